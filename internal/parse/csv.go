package parse

import (
	"bytes"
	"fmt"
)

// csvReader reads delimited lines. The first line of a source names the columns unless the model file does;
// it is held for as long as the source is read, so that a restart in the middle of a file sees it again. A quoted
// cell that contains a line break is not supported: the tail hands out lines.
type csvReader struct {
	*csvPlan
	columns []*node // nil entries are not asked for
	header  []byte  // the header line as it stood
	held    []HeldRange
}

type csvPlan struct {
	delimiter byte
	fixed     []*node
	names     [][]byte // of fixed columns
	only      bool     // wildcards only: no name tells a header from data
}

func prepareCSV(delimiter byte) func(*Plan) error {
	return func(p *Plan) error {
		c := &csvPlan{delimiter: delimiter, only: true}
		if p.opts.Delimiter != 0 {
			c.delimiter = p.opts.Delimiter
		}
		if c.delimiter == '"' || c.delimiter == '\n' || c.delimiter == '\r' {
			return fmt.Errorf("the delimiter cannot be a quote or a line break: write one character such as ; or |")
		}
		for i := range p.fields {
			if p.fields[i].Path != "*" {
				c.only = false
			}
		}
		seen := map[string]bool{}
		for _, name := range p.opts.Columns {
			if seen[name] {
				return fmt.Errorf("column %q is listed twice: give every column its own name", name)
			}
			seen[name] = true
			c.names = append(c.names, []byte(name))
			c.fixed = append(c.fixed, p.at(p.root, []byte(name)))
		}
		if len(c.fixed) > 0 && !p.anyOf(c.fixed) {
			return fmt.Errorf("none of the listed columns is a field of the model: the names must be equal")
		}
		p.reader = func() formatReader { return &csvReader{csvPlan: c, columns: c.fixed} }
		return nil
	}
}

// anyOf reports whether a column is asked for.
func (p *Plan) anyOf(columns []*node) bool {
	for _, n := range columns {
		if n != nil {
			return true
		}
	}
	return false
}

func (r *csvReader) read(p *Parser, line []byte, rec *Record) Result {
	plan := p.plan
	plan.scan.begin(rec)
	plan.gen++
	line = bytes.TrimPrefix(line, []byte("\xEF\xBB\xBF"))
	if r.columns == nil || bytes.Equal(line, r.header) {
		return r.readHeader(p, line, rec)
	}
	column, known := 0, false
	for i := 0; ; column++ {
		var cell []byte
		var ok bool
		if cell, i, ok = csvCell(&plan.scan, line, i, r.delimiter); !ok {
			return Result{Status: Bad, Reason: Truncated}
		}
		if column < len(r.columns) {
			plan.putAny(rec, r.columns[column], cell)
		}
		if (column == 0 || i > len(line)) && r.fixed == nil && len(cell) > 0 && cell[0] >= 'A' && plan.root.find(&plan.hash, cell) >= 0 {
			known = true // the first or the last cell is the name of a column
		}
		if i > len(line) {
			break
		}
	}
	if column+1 != len(r.columns) || known && r.renamed(plan, line) {
		if r.fixed == nil && r.isHeader(plan, line) {
			rec.reset(plan)
			return r.readHeader(p, line, rec)
		}
		return Result{Status: Bad, Reason: WrongColumns}
	}
	if r.fixed != nil && r.namesOnly(plan, line) {
		return Result{Status: Ignored}
	}
	return plan.verdict(rec, 0)
}

// csvCell reads the cell at i and returns the position behind its delimiter; len(line)+1 means that it was the last.
func csvCell(s *scanner, line []byte, i int, delimiter byte) (cell []byte, next int, ok bool) {
	if i < len(line) && line[i] == '"' {
		start, doubled := i+1, false
		for i++; ; i++ {
			at := bytes.IndexByte(line[min(i, len(line)):], '"')
			if at < 0 {
				return nil, 0, false
			}
			i += at
			if i+1 >= len(line) || line[i+1] != '"' {
				break
			}
			doubled = true
			i++
		}
		cell = line[start:i]
		if i++; i < len(line) && line[i] != delimiter {
			return nil, 0, false
		}
		if doubled {
			from := len(s.scratch)
			for k := 0; k < len(cell); k++ {
				if s.scratch = append(s.scratch, cell[k]); cell[k] == '"' {
					k++
				}
			}
			cell = s.scratch[from:len(s.scratch):len(s.scratch)]
		}
		return cell, i + 1, true
	}
	end := len(line)
	if at := bytes.IndexByte(line[i:], delimiter); at >= 0 {
		end = i + at
	}
	cell = line[i:end]
	for len(cell) > 0 && cell[0] == ' ' {
		cell = cell[1:]
	}
	for len(cell) > 0 && cell[len(cell)-1] == ' ' {
		cell = cell[:len(cell)-1]
	}
	return cell, end + 1, true
}

// readHeader takes a line as the names of the columns. It stays held; the one before it is released.
func (r *csvReader) readHeader(p *Parser, line []byte, rec *Record) Result {
	if !r.isHeader(p.plan, line) {
		return Result{Status: Bad, Reason: NoHeader}
	}
	if r.columns == nil || !bytes.Equal(line, r.header) {
		r.header = append(r.header[:0], line...)
		r.columns = r.columns[:0:0]
		p.plan.cells(r, line, func(name []byte) bool {
			r.columns = append(r.columns, p.plan.at(p.plan.root, name))
			return len(r.columns) < p.plan.opts.MaxKeys
		})
	}
	rec.Held = append(rec.Held, r.held...)
	r.held = append(append(r.held[:0], p.pieces...), HeldRange{Offset: p.offset, Length: p.length})
	return Result{Status: Pending}
}

// cells visits the cells of a line until visit returns false; the answer is false if a quote does not close.
func (p *Plan) cells(r *csvReader, line []byte, visit func(cell []byte) bool) bool {
	for i := 0; i <= len(line); {
		cell, next, ok := csvCell(&p.scan, line, i, r.delimiter)
		if !ok {
			return false
		}
		if !visit(cell) {
			break
		}
		i = next
	}
	return true
}

// isHeader reports whether a line names a column that the model asks for; when it asks for whatever there is,
// whether no cell is empty or a number.
func (r *csvReader) isHeader(p *Plan, line []byte) bool {
	asked, names := false, true
	ok := p.cells(r, line, func(cell []byte) bool {
		if at := p.root.find(&p.hash, cell); at >= 0 && p.root.entries[at].child != nil && len(cell) > 0 {
			asked = true
		}
		if kind, _ := numericText(cell); len(cell) == 0 || kind == Number || kind == NaN {
			names = false
		}
		return true
	})
	if !ok {
		return false
	}
	if r.only || !asked && p.prefixed() {
		return names
	}
	return asked
}

// renamed reports whether a line with as many cells as the header has other names for the columns, or the same in another
// order: no cell is empty or a number, and most are names that are known.
func (r *csvReader) renamed(p *Plan, line []byte) bool {
	names, known := 0, 0
	ok := p.cells(r, line, func(cell []byte) bool {
		names++
		if kind, _ := numericText(cell); len(cell) == 0 || kind != String {
			return false
		}
		if p.root.find(&p.hash, cell) >= 0 {
			known++
		}
		return true
	})
	return ok && names == len(r.columns) && 2*known > names
}

// prefixed reports whether there is a wildcard, which a header can satisfy without any name that is asked for.
func (p *Plan) prefixed() bool { return len(p.prefixes) > 0 }

// namesOnly reports whether a line repeats the names of the listed columns.
func (r *csvReader) namesOnly(p *Plan, line []byte) bool {
	if !bytes.HasPrefix(line, r.names[0]) && (len(line) == 0 || line[0] != '"') {
		return false
	}
	column, same := 0, true
	p.cells(r, line, func(cell []byte) bool {
		same = same && column < len(r.names) && bytes.Equal(cell, r.names[column])
		column++
		return same
	})
	return same
}

func (r *csvReader) finish(p *Parser) {
	p.expired = append(p.expired, r.held...)
	r.held = r.held[:0]
}
