package compare

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// Limits on what one file may hold. They are far above a day of inference logs.
const (
	maxColumns    = 4096
	maxCategories = 1 << 20 // distinct texts per column
)

// column is one column of one file while it is read. Every cell is kept as a number when it reads as one, and as
// an index into texts otherwise.
type column struct {
	name    string
	cells   []cell
	index   map[string]int32
	texts   []string
	numbers int  // cells that are numbers
	strings int  // cells that are other text
	times   int  // of those, the ones that read as a time
	isTime  bool // the file's own schema says so
}

// cell is a number, a text (index ≥ 0) or missing (index = missing).
type cell struct {
	number float64
	text   int32
}

const (
	isNumber int32 = -1
	missing  int32 = -2
)

type table struct {
	rows    int
	columns []*column
	byName  map[string]*column
}

func newTable() *table { return &table{byName: map[string]*column{}} }

// at returns the column of that name, made when it is new and filled up with missing values to the current row.
func (t *table) at(name string) *column {
	if c := t.byName[name]; c != nil {
		return c
	}
	if len(t.columns) >= maxColumns {
		return nil
	}
	c := &column{name: name, index: map[string]int32{}}
	t.columns = append(t.columns, c)
	t.byName[name] = c
	return c
}

// endRow closes a row: columns that it did not mention are missing.
func (t *table) endRow() {
	t.rows++
	for _, c := range t.columns {
		for len(c.cells) < t.rows {
			c.cells = append(c.cells, cell{text: missing})
		}
	}
}

// row gives the cell of the current row; a second value for the same column replaces the first, as in JSON.
func (c *column) set(row int, v cell) {
	for len(c.cells) < row {
		c.cells = append(c.cells, cell{text: missing})
	}
	if len(c.cells) > row {
		c.forget(c.cells[row])
		c.cells = c.cells[:row]
	}
	c.cells = append(c.cells, v)
	switch {
	case v.text == isNumber:
		c.numbers++
	case v.text >= 0:
		c.strings++
		if looksLikeTime(c.texts[v.text]) {
			c.times++
		}
	}
}

func (c *column) forget(v cell) {
	switch {
	case v.text == isNumber:
		c.numbers--
	case v.text >= 0:
		c.strings--
		if looksLikeTime(c.texts[v.text]) {
			c.times--
		}
	}
}

func (c *column) setNumber(row int, x float64) {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		c.set(row, cell{text: missing})
		return
	}
	c.set(row, cell{number: x, text: isNumber})
}

func (c *column) setText(row int, s string) {
	i, ok := c.index[s]
	if !ok {
		if len(c.texts) >= maxCategories {
			i, s = int32(len(c.texts)-1), ""
		} else {
			s = strings.Clone(s)
			i = int32(len(c.texts))
			c.texts = append(c.texts, s)
			c.index[s] = i
		}
	}
	c.set(row, cell{text: i})
}

// setField stores a cell of a CSV file, where everything is text.
func (c *column) setField(row int, s string) {
	s = strings.TrimSpace(s)
	switch strings.ToLower(s) {
	case "", "na", "n/a", "nan", "null", "none", "inf", "-inf", "+inf", "infinity", "-infinity":
		c.set(row, cell{text: missing})
		return
	}
	if x, err := strconv.ParseFloat(s, 64); err == nil {
		c.setNumber(row, x)
		return
	}
	c.setText(row, s)
}

// setJSONText stores a JSON string. NumPy's numbers arrive as strings, NaN among them; but "none" is a text here, because
// JSON has a null of its own.
func (c *column) setJSONText(row int, s string) {
	if s == "" {
		c.set(row, cell{text: missing})
		return
	}
	if x, err := strconv.ParseFloat(s, 64); err == nil {
		c.setNumber(row, x)
		return
	}
	c.setText(row, s)
}

// looksLikeTime is deliberately narrow: a date in ISO order, with or without a time of day.
func looksLikeTime(s string) bool {
	if len(s) < 10 || s[4] != '-' || s[7] != '-' {
		return false
	}
	_, err := time.Parse(time.DateOnly, s[:10])
	return err == nil
}

// numberOf lists the numbers of a column and how many cells are not one.
func (c *column) split() (numbers []float64, absent uint64) {
	numbers = make([]float64, 0, c.numbers)
	for _, v := range c.cells {
		if v.text == isNumber {
			numbers = append(numbers, v.number)
		} else {
			absent++
		}
	}
	return numbers, absent
}

// texted counts a column's values as categories; numbers are written the shortest way that reads back.
func (c *column) tally() (counts map[string]uint64, absent uint64) {
	counts = map[string]uint64{}
	for _, v := range c.cells {
		switch {
		case v.text >= 0:
			counts[c.texts[v.text]]++
		case v.text == isNumber:
			counts[strconv.FormatFloat(v.number, 'g', -1, 64)]++
		default:
			absent++
		}
	}
	return counts, absent
}
