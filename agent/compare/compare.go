package compare

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/plumbline-ml/plumbline/internal/monitor"
)

// Options say what to compare.
type Options struct {
	Reference string           // path: CSV, JSON lines or Parquet, also gzip or zstd
	Current   string           // path
	Model     string           // path of a model file that says which columns matter and what they are; empty means every column, kinds inferred
	Progress  func(done int64) // bytes read of both files; nil means nobody looks
}

// Report is the outcome. Its JSON form is a contract with scripts.
type Report struct {
	Rows     Rows      `json:"rows"`
	Features []Feature `json:"features"`

	Performance *Performance `json:"performance,omitempty"` // when the model file says where the truth stands
	Skipped     []Skipped    `json:"skipped"`
	Method      Method       `json:"method"`
}

// Rows counts the records of both files.
type Rows struct {
	Reference int `json:"reference"`
	Current   int `json:"current"`
}

// Feature is one compared column.
type Feature struct {
	Name       string     `json:"name"`
	Kind       string     `json:"kind"` // number or category
	Reference  Side       `json:"reference"`
	Current    Side       `json:"current"`
	Statistics Statistics `json:"statistics"`
}

// Side describes one column in one file. Numbers carry quantiles in the feature's own unit; categories carry how many
// there are. No single value of the data is repeated.
type Side struct {
	Count    uint64   `json:"count"`   // usable values
	Missing  uint64   `json:"missing"` // absent, null, empty, NaN, infinite, or text where numbers are expected
	Mean     *float64 `json:"mean,omitempty"`
	Median   *float64 `json:"median,omitempty"`
	P10      *float64 `json:"p10,omitempty"`
	P90      *float64 `json:"p90,omitempty"`
	Distinct int      `json:"distinct,omitempty"`
}

// Skipped is a column that was not compared, and why.
type Skipped struct {
	Name   string `json:"name"`
	Reason string `json:"reason"`
}

// Method says how the numbers were made, so that two tools can be compared honestly.
type Method struct {
	Bins      string `json:"bins"`
	Smoothing string `json:"smoothing"`
	JS        string `json:"js"`
	Missing   string `json:"missing"`
}

// Statistics holds the statistics of one column by name; those that are not defined for it are absent.
type Statistics map[string]float64

// MarshalJSON writes the names in order and leaves out what JSON cannot say.
func (s Statistics) MarshalJSON() ([]byte, error) {
	clean := map[string]float64{}
	for name, v := range s {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			clean[name] = v
		}
	}
	return json.Marshal(clean)
}

// Run reads both files and compares every column that both have.
func Run(ctx context.Context, opts Options) (*Report, error) {
	var model *monitor.Model
	if opts.Model != "" {
		m, err := monitor.LoadModel(opts.Model)
		if err != nil {
			return nil, err
		}
		model = m
	}
	done := int64(0)
	progress := func(n int64) {
		if opts.Progress != nil {
			opts.Progress(done + n)
		}
	}
	var last int64
	ref, err := readFile(opts.Reference, func(n int64) { last = n; progress(n) })
	if err != nil {
		return nil, err
	}
	done = last
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cur, err := readFile(opts.Current, progress)
	if err != nil {
		return nil, err
	}
	for path, t := range map[string]*table{opts.Reference: ref, opts.Current: cur} {
		if t.rows == 0 {
			return nil, fmt.Errorf("%s has no rows: nothing to compare", path)
		}
	}
	r := &Report{
		Rows:     Rows{Reference: ref.rows, Current: cur.rows},
		Features: []Feature{}, Skipped: []Skipped{},
		Method: Method{
			Bins:      "fixed by the reference: values with at least 5 % of it are bins of their own, the rest deciles, ends open; numbers in bins for psi, js, hellinger, tvd, l_infinity, kl, chi2, g_p, cramers_v",
			Smoothing: "add one half to every bin on both sides for psi and kl; none elsewhere",
			JS:        "distance, base 2",
			Missing:   "a bin of its own on both sides when any value is missing; left out of the statistics on raw samples",
		},
	}
	var kinds map[string]string
	if model != nil {
		kinds = kindsFrom(model, ref.columns)
	}
	for _, rc := range ref.columns {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		kind, asked := kinds[rc.name]
		if model != nil && !asked {
			r.Skipped = append(r.Skipped, Skipped{rc.name, "the model file does not ask for it"})
			continue
		}
		cc := cur.byName[rc.name]
		if reason := skip(rc, cc, asked); reason != "" {
			r.Skipped = append(r.Skipped, Skipped{rc.name, reason})
			continue
		}
		r.Features = append(r.Features, compareColumn(rc, cc, kind))
	}
	if model != nil && model.Truth != nil {
		p, err := comparePerformance(model, ref, cur)
		if err != nil {
			return nil, err
		}
		r.Performance = p
	}
	for _, cc := range cur.columns {
		if ref.byName[cc.name] == nil {
			r.Skipped = append(r.Skipped, Skipped{cc.name, "only in current"})
		}
	}
	if len(r.Features) == 0 {
		return nil, fmt.Errorf("%s and %s have no column in common that can be compared", opts.Reference, opts.Current)
	}
	return r, nil
}

// skip says why a column is not worth comparing; that a model file asks for it overrides guesses.
func skip(ref, cur *column, asked bool) string {
	switch {
	case cur == nil:
		return "only in reference"
	case ref.numbers+ref.strings == 0:
		return "no value in the reference"
	case asked:
		return ""
	case ref.isTime || ref.strings > 0 && ref.times == ref.strings && ref.numbers == 0:
		return "times"
	case isRowNumber(ref) && isRowNumber(cur):
		return "row numbers"
	case ref.numbers == 0 && len(ref.texts) > ref.strings*9/10 && ref.strings > 100:
		return "a different text in nearly every row: an identifier"
	}
	return ""
}

// isRowNumber recognises the index column that data frames write: every value is one more than the one before.
func isRowNumber(c *column) bool {
	if c.numbers != len(c.cells) || len(c.cells) < 3 {
		return false
	}
	for i := 1; i < len(c.cells); i++ {
		if c.cells[i].number != c.cells[i-1].number+1 {
			return false
		}
	}
	return true
}

func compareColumn(ref, cur *column, kind string) Feature {
	f := Feature{Name: ref.name, Kind: kind}
	if f.Kind == "" {
		f.Kind = "category"
		if ref.numbers >= 9*ref.strings {
			f.Kind = "number"
		}
	}
	if f.Kind == "number" {
		a, missingA := ref.split()
		b, missingB := cur.split()
		f.Reference, f.Current = numberSide(a, missingA), numberSide(b, missingB)
		f.Statistics = compareNumbers(a, missingA, b, missingB)
		return f
	}
	a, missingA := ref.tally()
	b, missingB := cur.tally()
	f.Reference, f.Current = categorySide(a, missingA), categorySide(b, missingB)
	f.Statistics = compareCategories(a, missingA, b, missingB)
	return f
}

func numberSide(values []float64, absent uint64) Side {
	s := Side{Count: uint64(len(values)), Missing: absent}
	if len(values) == 0 {
		return s
	}
	sorted := slices.Sorted(slices.Values(values))
	sum := 0.0
	for _, v := range values {
		sum += v / float64(len(values))
	}
	at := func(q float64) *float64 {
		h := q * float64(len(sorted)-1)
		i := int(h)
		v := sorted[i]
		if i+1 < len(sorted) {
			v += (h - float64(i)) * (sorted[i+1] - sorted[i])
		}
		return &v
	}
	s.Mean, s.P10, s.Median, s.P90 = &sum, at(.1), at(.5), at(.9)
	return s
}

func categorySide(counts map[string]uint64, absent uint64) Side {
	s := Side{Missing: absent, Distinct: len(counts)}
	for _, n := range counts {
		s.Count += n
	}
	return s
}

// WriteJSON writes the report for scripts.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}

// Rows of the table for people, widest change first: the columns are name, kind, missing, median or categories, and the
// statistics that say how far. Effects come before tests.
func (r *Report) Table() (header []string, rows [][]string) {
	header = []string{"feature", "kind", ">median ref", ">median now", ">missing ref", ">missing now", ">psi", ">psi by chance", ">js", ">ks", ">W1/IQR"}
	features := slices.Clone(r.Features)
	slices.SortStableFunc(features, func(a, b Feature) int { return cmp.Compare(b.Statistics["js"], a.Statistics["js"]) })
	for _, f := range features {
		rows = append(rows, []string{
			f.Name, f.Kind, number(f.Reference.Median), number(f.Current.Median), percent(f.Reference), percent(f.Current),
			stat(f.Statistics, "psi"), stat(f.Statistics, "psi_expected"), stat(f.Statistics, "js"), stat(f.Statistics, "ks"), stat(f.Statistics, "wasserstein_iqr"),
		})
	}
	return header, rows
}

// Notes are the lines under the table.
func (r *Report) Notes() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows against %d in the reference. psi by chance is what PSI comes to when nothing changed.\n", r.Rows.Current, r.Rows.Reference)
	if r.Performance != nil {
		b.WriteString(r.Performance.notes())
	}
	by := map[string][]string{}
	for _, s := range r.Skipped {
		by[s.Reason] = append(by[s.Reason], s.Name)
	}
	for _, reason := range slices.Sorted(maps.Keys(by)) {
		fmt.Fprintf(&b, "left out (%s): %s\n", reason, strings.Join(by[reason], ", "))
	}
	return b.String()
}

func number(x *float64) string {
	if x == nil {
		return "-"
	}
	return fmt.Sprintf("%.4g", *x)
}

func percent(s Side) string {
	if s.Count+s.Missing == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(s.Missing)/float64(s.Count+s.Missing))
}

func stat(s Statistics, name string) string {
	v, ok := s[name]
	if !ok || math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.3f", v)
}
