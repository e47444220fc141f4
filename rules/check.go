package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

// Check reads rule files, globs of them and folders, and returns what is wrong with them in the order of the files. Errors are what New and Reload
// refuse; warnings are what will surprise somebody. An empty result means that all is well.
func Check(paths []string) []Problem {
	var out []Problem
	var files []ruleFile
	for _, path := range paths {
		var found []string
		var err error
		if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
			found, err = expand(nil, []string{path})
		} else {
			found, err = expand([]string{path}, nil)
		}
		if err == nil && len(found) == 0 {
			err = ErrNoFiles
		}
		if err != nil {
			out = append(out, fileProblem(path, err))
			continue
		}
		for _, f := range found {
			if slices.ContainsFunc(files, func(have ruleFile) bool { return have.name == f }) {
				continue
			}
			data, err := os.ReadFile(f)
			if err != nil {
				out = append(out, fileProblem(f, err))
				continue
			}
			files = append(files, ruleFile{name: f, data: data})
		}
	}
	out = append(out, checkFiles(files)...)
	sortProblems(out)
	return out
}

func fileProblem(path string, err error) Problem {
	p := Problem{File: path, Severity: ProblemError, Check: "file", Message: err.Error()}
	switch {
	case errors.Is(err, ErrNoFiles), errors.Is(err, fs.ErrNotExist):
		p.Message, p.Expected = "there is no such rule file", "a file, a glob, or a folder with *.yaml files"
	case errors.Is(err, fs.ErrPermission):
		p.Message = "the file may not be read"
	}
	return p
}

// checkFiles checks files together, because a rule may use what another file records.
func checkFiles(files []ruleFile) []Problem {
	p := parser.NewParser(parser.Options{})
	recorded := maps.Clone(packRecorded())
	collectRecorded(files, recorded)
	var out []Problem
	for i := range files {
		out = append(out, checkOne(&files[i], p, recorded)...)
	}
	return out
}

// packRecorded names what the shipped packs record; users' rules may build on it.
var packRecorded = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	if packs, err := packFiles(); err == nil {
		collectRecorded(packs, out)
	}
	return out
})

func collectRecorded(files []ruleFile, into map[string]bool) {
	for _, f := range files {
		c := checker{src: newSource(f.name, f.data)}
		c.document(f.data)
		for _, r := range c.rules {
			if r.record != nil {
				into[r.record.Value] = true
			}
		}
	}
}

// checkOne checks one file. When it has no errors, f.groups holds its rules.
func checkOne(f *ruleFile, p parser.Parser, recorded map[string]bool) []Problem {
	c := &checker{src: newSource(f.name, f.data)}
	c.document(f.data)
	for _, r := range c.rules {
		c.semantics(r, p, recorded)
	}
	c.duplicates()
	if !HasErrors(c.problems) {
		// Prometheus has the last word: what it refuses is an error, even where our walk saw nothing.
		groups, errs := rulefmt.Parse(f.data, false, model.UTF8Validation, p, promslog.NewNopLogger())
		for _, err := range errs {
			c.problems = append(c.problems, Problem{File: f.name, Severity: ProblemError, Check: "prometheus", Message: err.Error()})
		}
		f.groups = groups
	}
	return c.problems
}

// semantics checks what a rule means.
func (c *checker) semantics(r *ruleNode, p parser.Parser, recorded map[string]bool) {
	var expr parser.Expr
	if r.expr != nil {
		var err error
		if expr, err = p.ParseExpr(r.expr.Value); err != nil {
			c.promqlErrors(r, err)
			expr = nil
		}
	}
	if expr != nil {
		c.metrics(r, expr, recorded)
		c.matching(r, expr)
		c.functions(r, expr)
	}
	if r.alert == nil {
		return
	}
	if expr != nil {
		c.decide(r, expr)
	}
	c.alertParts(r)
	c.templates(r, expr)
}

// promqlErrors points at the place in the file where the expression does not parse.
func (c *checker) promqlErrors(r *ruleNode, err error) {
	var list parser.ParseErrors
	if !errors.As(err, &list) || len(list) == 0 {
		c.add(c.src.at(r.expr, ProblemError, "promql", err.Error()), "a PromQL expression", "")
		return
	}
	for _, e := range list[:min(3, len(list))] {
		message := e.Err.Error()
		expected, fix := explainPromQL(message, r.expr.Value)
		if before, after, ok := strings.Cut(message, ", expected "); ok {
			message, expected = before, after
		}
		from, to := max(0, int(e.PositionRange.Start)), int(e.PositionRange.End)
		c.add(c.src.within(r.expr, from, to, ProblemError, "promql", message), expected, fix)
	}
}

// explainPromQL says what to write instead for the mistakes that people make.
func explainPromQL(message, expr string) (expected, fix string) {
	switch {
	case strings.Contains(message, "unknown function with name"):
		_, rest, _ := strings.Cut(message, `name "`)
		name, _, _ := strings.Cut(rest, `"`)
		if s := closest(name, slices.Collect(maps.Keys(parser.Functions))); s != "" {
			return "a function of PromQL", "write " + s
		}
		return "a function of PromQL", ""
	case strings.Contains(message, "expected type range vector in call"):
		return "a range, like x[5m]", "add a range in brackets to the metric"
	case strings.Contains(message, "expected type instant vector"), strings.Contains(message, "must contain only scalar and instant vector"):
		return "an instant vector", "wrap the range in a function like rate() or max_over_time()"
	case strings.Contains(message, "comparisons between scalars must use BOOL"):
		return "a vector on one side", "compare a metric, or write > bool"
	case strings.Contains(message, "unclosed left parenthesis"), strings.Contains(message, "unexpected end of input"):
		if n := strings.Count(expr, "(") - strings.Count(expr, ")"); n > 0 {
			return "the rest of the expression", fmt.Sprintf("add %d closing parenthesis", n)
		}
		return "the rest of the expression", ""
	case strings.Contains(message, "bad duration") || strings.Contains(message, "bad number or duration"), strings.Contains(message, "missing unit"):
		return "a duration with a unit, like 5m", "write 5m, 1h or 30s"
	case strings.Contains(message, "unexpected character: '='"), strings.Contains(message, `unexpected "="`):
		return "an operator", "write == to compare"
	}
	return "", ""
}

// duplicates finds rules that are there twice in the same group.
func (c *checker) duplicates() {
	seen := map[string]*ruleNode{}
	for _, r := range c.rules {
		var b strings.Builder
		b.WriteString(r.group + "\xff" + r.name().Value)
		lbls := map[string]string{}
		for _, p := range append(slices.Clone(r.groupLabels), r.labels...) {
			lbls[p.key.Value] = p.value.Value
		}
		for _, k := range slices.Sorted(maps.Keys(lbls)) {
			b.WriteString("\xff" + k + "\xff" + lbls[k])
		}
		if first := seen[b.String()]; first != nil && r.name().Value != "" {
			if r.expr != nil && first.expr != nil && r.expr.Value == first.expr.Value {
				c.add(c.src.at(r.name(), ProblemWarning, "duplicate", fmt.Sprintf("the same rule stands in line %d already", first.name().Line)), "", "remove one of them")
			}
			continue
		}
		seen[b.String()] = r
	}
}
