package compare

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
)

// readFile reads a table, told apart by its first bytes and its name: Parquet, JSON lines or CSV, also gzip or zstd.
func readFile(path string, progress func(int64)) (*table, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file: give a CSV, JSON lines or Parquet file", path)
	}
	var magic [4]byte
	if n, _ := f.ReadAt(magic[:], 0); n == 4 && string(magic[:]) == "PAR1" {
		t, err := readParquet(f, info.Size())
		return t, wrap(path, err)
	}
	counted := &countingReader{r: f, seen: progress}
	name := filepath.Base(path)
	var in io.Reader = counted
	switch {
	case magic[0] == 0x1f && magic[1] == 0x8b:
		zr, err := gzip.NewReader(counted)
		if err != nil {
			return nil, wrap(path, err)
		}
		in, name = zr, strings.TrimSuffix(name, ".gz")
	case bytes.Equal(magic[:], []byte{0x28, 0xb5, 0x2f, 0xfd}):
		zr, err := zstd.NewReader(counted)
		if err != nil {
			return nil, wrap(path, err)
		}
		defer zr.Close()
		in, name = zr, strings.TrimSuffix(name, ".zst")
	}
	buffered := bufio.NewReaderSize(in, 1<<16)
	head, err := buffered.Peek(512)
	if len(head) == 0 {
		if err == nil || errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s is empty: want CSV with a header line, JSON lines or Parquet", path)
		}
		return nil, wrap(path, err)
	}
	first := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case len(first) > 0 && first[0] == '{':
		t, err := readJSONLines(buffered)
		return t, wrap(path, err)
	case len(first) > 0 && first[0] == '[':
		return nil, fmt.Errorf("%s:1: begins with '[': want JSON lines, one object a line; write it with `jq -c '.[]'`", path)
	default:
		comma := ','
		if strings.HasSuffix(name, ".tsv") {
			comma = '\t'
		}
		t, err := readCSV(buffered, comma)
		return t, wrap(path, err)
	}
}

func wrap(path string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("read %s: %w", path, err)
}

type countingReader struct {
	r    io.Reader
	n    int64
	seen func(int64)
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if c.seen != nil {
		c.seen(c.n)
	}
	return n, err
}

func readCSV(in io.Reader, comma rune) (*table, error) {
	r := csv.NewReader(in)
	r.Comma, r.ReuseRecord, r.FieldsPerRecord = comma, true, -1
	header, err := r.Read()
	if err != nil {
		return nil, err
	}
	header = slices.Clone(header)
	t := newTable()
	columns := make([]*column, len(header))
	for i, name := range header {
		name = strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))
		if name == "" {
			name = "column " + strconv.Itoa(i+1)
		}
		if t.byName[name] != nil {
			return nil, fmt.Errorf("line 1: column %d: the name is there twice: give every column a name of its own", i+1)
		}
		if columns[i] = t.at(name); columns[i] == nil {
			return nil, fmt.Errorf("line 1: more than %d columns", maxColumns)
		}
	}
	for {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return t, nil
		}
		if err != nil {
			return nil, csvError(err)
		}
		if len(fields) != len(columns) {
			line, _ := r.FieldPos(0)
			return nil, fmt.Errorf("line %d: %d fields, want %d as in the header", line, len(fields), len(columns))
		}
		for i, field := range fields {
			columns[i].setField(t.rows, field)
		}
		t.endRow()
	}
}

// csvError keeps line and column of a syntax error and drops nothing else: encoding/csv quotes no field.
func csvError(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return fmt.Errorf("line %d: column %d: %w", p.Line, p.Column, p.Err)
	}
	return err
}

// maxLine bounds one JSON line.
const maxLine = 16 << 20

func readJSONLines(in io.Reader) (*table, error) {
	t := newTable()
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 1<<16), maxLine)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		if err := t.addJSON(line); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("after row %d: %w", t.rows, err)
	}
	return t, nil
}

// errNotJSON says where a line stops being JSON without repeating the line: it may hold what must not be printed.
var errNotJSON = errors.New("not a JSON object: want one object a line")

func (t *table) addJSON(line []byte) error {
	d := json.NewDecoder(bytes.NewReader(pythonNumbers(line)))
	d.UseNumber()
	var object map[string]any
	if err := d.Decode(&object); err != nil {
		return fmt.Errorf("column %d: %w", d.InputOffset()+1, errNotJSON)
	}
	if err := t.flatten("", object); err != nil {
		return err
	}
	t.endRow()
	return nil
}

// flatten stores nested objects under dotted names, as model files write paths. Arrays are left out.
func (t *table) flatten(prefix string, object map[string]any) error {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		name, value := key, object[key]
		if prefix != "" {
			name = prefix + "." + key
		}
		if nested, ok := value.(map[string]any); ok {
			if err := t.flatten(name, nested); err != nil {
				return err
			}
			continue
		}
		c := t.at(name)
		if c == nil {
			return fmt.Errorf("more than %d different keys", maxColumns)
		}
		switch v := value.(type) {
		case json.Number:
			x, err := v.Float64()
			if err != nil {
				c.set(t.rows, cell{text: missing})
				continue
			}
			c.setNumber(t.rows, x)
		case string:
			c.setJSONText(t.rows, v)
		case bool:
			c.setText(t.rows, strconv.FormatBool(v))
		default:
			c.set(t.rows, cell{text: missing})
		}
	}
	return nil
}

// pythonNumbers turns the bare NaN and Infinity that Python writes into null, outside of strings.
func pythonNumbers(line []byte) []byte {
	if !bytes.Contains(line, []byte("NaN")) && !bytes.Contains(line, []byte("Infinity")) {
		return line
	}
	out := make([]byte, 0, len(line))
	inString := false
	for i := 0; i < len(line); {
		if inString {
			if line[i] == '\\' && i+1 < len(line) {
				out = append(out, line[i], line[i+1])
				i += 2
				continue
			}
			inString = line[i] != '"'
			out = append(out, line[i])
			i++
			continue
		}
		skipped := 0
		for _, word := range [...]string{"NaN", "-Infinity", "Infinity"} {
			if bytes.HasPrefix(line[i:], []byte(word)) {
				skipped = len(word)
				break
			}
		}
		if skipped > 0 {
			out = append(out, "null"...)
			i += skipped
			continue
		}
		inString = line[i] == '"'
		out = append(out, line[i])
		i++
	}
	return out
}

func readParquet(f *os.File, size int64) (*table, error) {
	file, err := parquet.OpenFile(f, size)
	if err != nil {
		return nil, err
	}
	t := newTable()
	leaves := file.Schema().Columns()
	columns := make([]*column, len(leaves))
	for i, path := range leaves {
		if columns[i] = t.at(strings.Join(path, ".")); columns[i] == nil {
			return nil, fmt.Errorf("more than %d columns", maxColumns)
		}
		if leaf, ok := file.Schema().Lookup(path...); ok && leaf.Node.Type().LogicalType() != nil {
			logical := leaf.Node.Type().LogicalType()
			columns[i].isTime = logical.Timestamp != nil || logical.Date != nil || logical.Time != nil
		}
	}
	rows := make([]parquet.Row, 256)
	for _, group := range file.RowGroups() {
		reader := group.Rows()
		for {
			n, err := reader.ReadRows(rows)
			for _, row := range rows[:n] {
				t.addParquet(columns, row)
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				reader.Close()
				return nil, fmt.Errorf("after row %d: %w", t.rows, err)
			}
		}
		if err := reader.Close(); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// addParquet takes the first value of each leaf; repeated values are arrays, which are left out as in JSON.
func (t *table) addParquet(columns []*column, row parquet.Row) {
	for _, v := range row {
		c := columns[v.Column()]
		if v.IsNull() || v.RepetitionLevel() > 0 {
			continue
		}
		switch v.Kind() {
		case parquet.Boolean:
			c.setText(t.rows, strconv.FormatBool(v.Boolean()))
		case parquet.Int32:
			c.setNumber(t.rows, float64(v.Int32()))
		case parquet.Int64:
			c.setNumber(t.rows, float64(v.Int64()))
		case parquet.Float:
			c.setNumber(t.rows, float64(v.Float()))
		case parquet.Double:
			c.setNumber(t.rows, v.Double())
		case parquet.ByteArray, parquet.FixedLenByteArray:
			c.setField(t.rows, string(v.ByteArray()))
		}
	}
	t.endRow()
}
