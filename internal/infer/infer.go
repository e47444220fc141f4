// Package infer writes a model file from the lines of a log, for those who have none yet.
//
// Model looks at lines and says which format they have, what is the event time, score, label and version, and which
// fields are features. Sample takes the lines from the files that globs match. Both are functions without state; at
// most MaxLines lines are looked at and at most MaxFeatures features are listed. What comes out is text for a person
// to read and correct; no value of a record is in it. The guesses are those of internal/parse.
package infer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/parse"
	"github.com/plumbline-ml/plumbline/internal/tail"
)

// Bounds and defaults.
const (
	MaxLines     = 5000
	MaxFeatures  = 100 // beyond, and when they all stand in one object, a wildcard is written
	DefaultLearn = "24h"
)

// Errors of Model and Sample.
var (
	ErrNoLines  = errors.New("no line to look at")
	ErrFormat   = errors.New("the format was not recognised")
	ErrNothing  = errors.New("no score, label or feature was found")
	errOtherFmt = errors.New("the lines have another format")
)

// Options say what cannot be seen in the lines. Name and Include are required.
type Options struct {
	Name    string   // of the model
	Include []string // globs that go into the file
	Format  string   // that the lines must have; empty means whatever they have
	Learn   string   // how long to learn the reference, as in a model file; empty means DefaultLearn
	Header  string   // comment for the top of the file; may be empty
}

// Model writes a model file for lines. The text is valid: monitor.ParseModel takes it.
func Model(lines [][]byte, opts Options) ([]byte, error) {
	if len(lines) == 0 {
		return nil, ErrNoLines
	}
	format, found := parse.Detect(lines[:min(len(lines), MaxLines)])
	switch {
	case format == "" && opts.Format == "":
		return nil, fmt.Errorf("%w; known are %s", ErrFormat, strings.Join(parse.Formats(), ", "))
	case opts.Format != "" && opts.Format != "auto" && format != opts.Format:
		if _, preset := parse.Preset(opts.Format); !preset {
			return nil, fmt.Errorf("%w: they look like %s, not %s", errOtherFmt, orNone(format), opts.Format)
		}
		format, found = opts.Format, nil // somebody who names a preset knows the program that writes the log
	}
	w := &writer{}
	w.comment(opts.Header)
	w.line("model: %s", quote(opts.Name))
	w.line("logs:")
	quoted := make([]string, len(opts.Include))
	for i, g := range opts.Include {
		quoted[i] = quote(g)
	}
	w.line("  include: [%s]", strings.Join(quoted, ", "))
	w.line("  format: %s", format)
	if _, preset := parse.Preset(format); preset {
		w.line("# %s logs say where everything is; fields, predictions and features need not be listed.", format)
	} else if !w.columns(found) {
		return nil, ErrNothing
	}
	learn := opts.Learn
	if learn == "" {
		learn = DefaultLearn
	}
	w.line("reference: {learn: %s}", learn)
	w.line("false_pages: 1 per 30d")
	if _, err := monitor.ParseModel("inferred", w.buf.Bytes()); err != nil {
		return nil, fmt.Errorf("the inferred model is not valid: %w", err)
	}
	return w.buf.Bytes(), nil
}

func orNone(format string) string {
	if format == "" {
		return "none that is known"
	}
	return format
}

type writer struct{ buf bytes.Buffer }

func (w *writer) line(format string, args ...any) {
	fmt.Fprintf(&w.buf, format+"\n", args...)
}

func (w *writer) comment(text string) {
	for line := range strings.Lines(text) {
		w.line("# %s", strings.TrimRight(line, "\n"))
	}
}

// columns writes fields, predictions and features; false means that there is nothing to watch.
func (w *writer) columns(found []parse.DetectedPath) bool {
	role := func(r string) *parse.DetectedPath {
		if i := slices.IndexFunc(found, func(d parse.DetectedPath) bool { return d.Role == r }); i >= 0 {
			return &found[i]
		}
		return nil
	}
	clock, version, score, label := role(parse.RoleTime), role(parse.RoleVersion), role(parse.RoleScore), role(parse.RoleLabel)
	if clock != nil || version != nil {
		w.line("fields:")
		if clock != nil {
			w.line("  timestamp: %s", quote(clock.Path))
		}
		if version != nil {
			w.line("  version: %s", quote(version.Path))
		}
	}
	if score != nil || label != nil {
		w.line("predictions:")
		if score != nil {
			kind := "number"
			if score.Kind == parse.ColumnProbability {
				kind = "probability"
			}
			w.line("  score: {path: %s, kind: %s}", quote(score.Path), kind)
		}
		if label != nil {
			w.line("  label: {path: %s, kind: category}   # add positive: and the class that one looks for", quote(label.Path))
		}
	}
	paths := features(found)
	if len(paths) > 0 {
		w.line("features:")
		for _, p := range paths {
			w.line("  - {path: %s}", quote(p))
		}
	}
	return score != nil || label != nil || len(paths) > 0
}

// features lists the paths of features. Those that share one object become a wildcard, which also follows what is
// added to it later.
func features(found []parse.DetectedPath) []string {
	var paths []string
	for _, d := range found {
		if d.Role == parse.RoleFeature && (d.Kind == parse.ColumnNumber || d.Kind == parse.ColumnProbability || d.Kind == parse.ColumnCategory) {
			paths = append(paths, d.Path)
		}
	}
	for _, object := range []string{"features", "inputs", "input", "request.features"} {
		inside := func(p string) bool { return strings.HasPrefix(p, object+".") }
		if n := len(paths); slices.ContainsFunc(paths, inside) {
			if rest := slices.DeleteFunc(paths, inside); len(rest) < n {
				return append([]string{object + ".*"}, rest[:min(len(rest), MaxFeatures)]...)
			}
		}
	}
	return paths[:min(len(paths), MaxFeatures)]
}

// quote writes a YAML scalar: plain when it is surely plain, in double quotes otherwise.
func quote(s string) string {
	plain := s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r == '.' || r == '_' || r == '/' || r == '-' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9')
	}) < 0
	first := s + " "
	if plain && ('a' <= first[0] && first[0] <= 'z' || first[0] == '/') && !slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(s)) {
		return s
	}
	return strconv.Quote(s)
}

// Sample reads up to MaxLines lines from the files that match globs. It returns what there is now: none is no error.
func Sample(ctx context.Context, globs []string) ([][]byte, error) {
	t, err := tail.New(tail.Options{Include: globs})
	if err != nil {
		return nil, err
	}
	defer t.Close()
	var lines [][]byte
	for len(lines) < MaxLines && ctx.Err() == nil {
		chunk, err := t.Next(ctx, time.Now().Add(200*time.Millisecond))
		if err != nil {
			return nil, err
		}
		if chunk == nil {
			if t.Caught() {
				break
			}
			continue
		}
		for line := range bytes.Lines(chunk.Data) {
			lines = append(lines, bytes.Clone(bytes.TrimRight(line, "\r\n")))
			if len(lines) == MaxLines {
				break
			}
		}
	}
	return lines, ctx.Err()
}

// Name makes a model's name from a glob: the file without its ending, or the folder before the first wildcard.
func Name(glob string) string {
	best := ""
	for part := range strings.SplitSeq(glob, "/") {
		if strings.ContainsAny(part, "*?[{") {
			break
		}
		stem, _, _ := strings.Cut(part, ".")
		if stem = strings.Map(nameRune, stem); strings.Trim(stem, "-") != "" {
			best = strings.Trim(stem, "-")
		}
	}
	if best == "" {
		return "model"
	}
	return best
}

func nameRune(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-' || r == '_':
		return r
	case 'A' <= r && r <= 'Z':
		return r + 'a' - 'A'
	}
	return '-'
}
