// Package reference builds reference files from logs that were written already, and shows what is in one.
//
// A reference holds counts per bin and per named category, never a record. Building reads every file once, in memory
// bounded by a million values a column. The package keeps nothing and writes no file: the caller does.
package reference

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/internal/ingest"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/requests"
	"github.com/plumbline-ml/plumbline/internal/tail"
)

// Options say what to build from what.
type Options struct {
	Model    string    // path of the model file
	Files    []string  // files or globs: any format that the model file names, plain, .gz or .zst
	From     time.Time // event time of the first record that counts; zero means what the model file says, or the first
	Until    time.Time // event time before which records count; zero likewise
	Progress func(done, total int64)
}

// Built is a reference and how it came about.
type Built struct {
	JSON    []byte // the file's content
	Records uint64
	Columns int
	Lines   uint64
	Errors  uint64 // lines that could not be read as a record
	From    time.Time
	Until   time.Time
}

// Build reads the files and returns the reference of the model.
func Build(ctx context.Context, opts Options) (*Built, error) {
	m, err := monitor.LoadModel(opts.Model)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, g := range opts.Files {
		found, err := filepath.Glob(g)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", g, err)
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s matches no file", g)
		}
		files = append(files, found...)
	}
	slices.Sort(files)
	files = slices.Compact(files)
	if !opts.From.IsZero() {
		m.Reference.From = opts.From
	}
	if !opts.Until.IsZero() {
		m.Reference.Until = opts.Until
	}
	ref, stats, err := ingest.BuildReference(ctx, m, files, tail.Options{}, opts.Progress)
	if err != nil {
		return nil, err
	}
	data, err := ref.Encode()
	if err != nil {
		return nil, err
	}
	b := &Built{JSON: data, Records: ref.Records, Columns: len(ref.Columns), Lines: stats.Lines}
	for _, n := range stats.Errors {
		b.Errors += n
	}
	if ref.From != nil {
		b.From, b.Until = *ref.From, *ref.Until
	}
	return b, nil
}

// Table is what people see of a reference: one row a column.
func Table(ref *monitor.Reference) (header []string, rows [][]string) {
	for _, c := range ref.Columns {
		var missing uint64
		for _, n := range c.Missing {
			missing += n
		}
		what := fmt.Sprintf("%d categories", len(c.Categories))
		if c.Grid != nil {
			what = fmt.Sprintf("%d bins from %.4g to %.4g", len(c.Counts), c.Grid.Low, c.Grid.High)
		} else if len(c.Categories) > 0 {
			what += ", most frequent " + c.Categories[0].Name
		}
		share := 0.0
		if total := c.Count + missing; total > 0 {
			share = float64(missing) / float64(total)
		}
		rows = append(rows, []string{c.Name, c.Role, string(c.Kind), strconv.FormatUint(c.Count, 10), fmt.Sprintf("%.2f%%", 100*share), what})
	}
	return []string{"feature", "role", "kind", ">values", ">missing", "holds"}, rows
}

// Sensitivity is what a model with this reference could see at the traffic that the reference had, with the defaults of
// a model file; nothing when the reference has no times.
func Sensitivity(ref *monitor.Reference, path string) ([]monitor.Sensitivity, error) {
	e, err := ref.Watcher(path)
	if err != nil {
		return nil, fmt.Errorf("watch with %s: %w", path, err)
	}
	return e.Sensitivities(), nil
}

// SensitivityTable is what people see of it: one row a column.
func SensitivityTable(all []monitor.Sensitivity) (header []string, rows [][]string) {
	cell := func(feature, cause string) string {
		for _, s := range all {
			if s.Feature == feature && s.Cause == cause {
				return amount(s)
			}
		}
		return "-"
	}
	for i, s := range all {
		if i > 0 && all[i-1].Feature == s.Feature {
			continue
		}
		what, expected := "-", "-"
		for _, d := range all {
			if d.Feature == s.Feature && d.Cause == "drift" {
				what, expected = d.What, fmt.Sprintf("%.4g", d.Expected)
			}
		}
		rows = append(rows, []string{s.Feature, what, expected, cell(s.Feature, "drift"), cell(s.Feature, "missing"), cell(s.Feature, "quality")})
	}
	return []string{"feature", "what drifts", ">expected", ">from a change of", ">from missing of", ">from unseen of"}, rows
}

func amount(s monitor.Sensitivity) string {
	if s.Shift == nil {
		return "none"
	}
	return fmt.Sprintf("%.2g", *s.Shift)
}

// SensitivityLines says the same in one sentence a model: predictions by name, features by the one that sees least.
func SensitivityLines(all []monitor.Sensitivity) (out []string) {
	var models []string
	for _, s := range all {
		if !slices.Contains(models, s.Model) {
			models = append(models, s.Model)
		}
	}
	for _, m := range models {
		var parts []string
		worst := map[string]monitor.Sensitivity{}
		perHour := 0.
		for _, s := range all {
			if s.Model != m {
				continue
			}
			perHour = s.PerHour
			switch {
			case s.Cause == "drift" && s.Feature == "label":
				parts = append(parts, fmt.Sprintf("the %s by %s (expected %.3g)", s.What, amount(s), s.Expected))
			case s.Cause == "drift" && s.Feature == "score":
				parts = append(parts, fmt.Sprintf("the score's %s by %s", s.What, amount(s)))
			case s.Cause == "frozen":
			default:
				if w, ok := worst[s.Cause]; !ok || w.Shift != nil && (s.Shift == nil || *s.Shift > *w.Shift) {
					worst[s.Cause] = s
				}
			}
		}
		for _, c := range [...]struct{ cause, text string }{{"drift", "a half of any feature's values by"}, {"missing", "missing values by"}, {"quality", "unseen categories by"}} {
			if s, ok := worst[c.cause]; ok {
				parts = append(parts, c.text+" "+amount(s))
			}
		}
		out = append(out, fmt.Sprintf("%s: at the %.0f records an hour of its reference, pages within an hour when this moves: %s", m, perHour, strings.Join(parts, ", ")))
	}
	return out
}

// Request and Answer are what passes between a person and the running agent, see Ask.
type (
	Request = requests.Request
	Answer  = requests.Answer
)

// Ask leaves a request for the agent whose state is in a folder and returns the file that its answer will be in.
func Ask(stateDir string, r Request) (answer string, err error) { return requests.Ask(stateDir, r) }

// Read reads a reference file.
func Read(path string) (*monitor.Reference, error) { return monitor.ReadReference(path) }
