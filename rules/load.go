package rules

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	promrules "github.com/prometheus/prometheus/rules"
)

// ErrNoFiles says that a file or glob of Options.Files matched nothing.
var ErrNoFiles = errors.New("no rule file matches")

// ruleFile is one rule file as read.
type ruleFile struct {
	name   string // path, or "builtin:" and the name of a pack
	data   []byte
	groups *rulefmt.RuleGroups
}

// sources reads the files that opts name, built-in packs first, each once, in a stable order.
func sources(opts Options) ([]ruleFile, error) {
	var out []ruleFile
	if opts.Packs {
		packs, err := packFiles()
		if err != nil {
			return nil, err
		}
		out = packs
	}
	paths, err := expand(opts.Files, opts.Dirs)
	if err != nil {
		return nil, err
	}
	for _, p := range paths {
		data, err := os.ReadFile(p)
		if err != nil {
			return nil, fmt.Errorf("read rule file: %w", err)
		}
		out = append(out, ruleFile{name: p, data: data})
	}
	return out, nil
}

// expand resolves files, globs and folders to a sorted list without repetitions.
func expand(files, dirs []string) ([]string, error) {
	var out []string
	for _, f := range files {
		found, err := filepath.Glob(f)
		if err != nil {
			return nil, fmt.Errorf("rule files %q: %w", f, err)
		}
		if len(found) == 0 && strings.ContainsAny(f, "*?[") {
			continue // a glob may match nothing yet
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%w: %s", ErrNoFiles, f)
		}
		out = append(out, found...)
	}
	for _, d := range dirs {
		entries, err := os.ReadDir(d)
		if err != nil {
			return nil, fmt.Errorf("read rule folder: %w", err)
		}
		for _, e := range entries {
			name := e.Name()
			if ext := filepath.Ext(name); (ext != ".yaml" && ext != ".yml") || strings.HasPrefix(name, ".") {
				continue // ..data and friends of a mounted ConfigMap, editors' droppings
			}
			if strings.HasSuffix(strings.TrimSuffix(name, filepath.Ext(name)), "_test") {
				continue // unit tests that stand beside the rules
			}
			path := filepath.Join(d, name)
			if info, err := os.Stat(path); err != nil || info.IsDir() {
				if err != nil && !errors.Is(err, fs.ErrNotExist) {
					return nil, fmt.Errorf("read rule folder: %w", err)
				}
				continue
			}
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// parse validates one file. The error names file, line and column of each problem, and what to write instead.
func (f *ruleFile) parse(p parser.Parser) error {
	var errs []error
	for _, problem := range checkOne(f, p, nil) {
		if problem.Severity == ProblemError {
			errs = append(errs, problem)
		}
	}
	return errors.Join(errs...)
}

// groupState is one rule group that runs.
type groupState struct {
	*promrules.Group
	alerts []*alertRule
	rules  int
	slot   int64 // number of the interval that was evaluated last
	ran    bool
	peers  bool // it compares nodes
}

// idle reports whether nothing can come of a group that compares nodes, because there is one only. In an agent beside its models that
// is always so, and the group would cost as much as all the others.
func (g *groupState) idle(st *store) bool {
	if !g.peers || len(st.nodes) > 1 {
		return false
	}
	for _, r := range g.alerts {
		if len(r.inst) > 0 {
			return false // it must be seen to end
		}
	}
	return true
}

// due says whether ts lies in another interval than the last evaluation did. Slots instead of differences: a tick that
// comes two milliseconds early does not postpone the evaluation to the next one.
func (g *groupState) due(ts time.Time) bool {
	slot := ts.UnixNano() / int64(g.Interval())
	if g.ran && slot == g.slot {
		return false
	}
	g.ran, g.slot = true, slot
	return true
}

// quiet evaluates a group of alerts of which none is pending or firing and none begins to, and reports whether it was one. That is what
// most groups are most of the time, and what Prometheus' group does around each rule costs several times as much as the answer.
func (g *groupState) quiet(ts time.Time) bool {
	if len(g.alerts) != g.rules {
		return false // it records something
	}
	at := ts.Add(-g.QueryOffset())
	for _, r := range g.alerts {
		if !r.silent(at) {
			return false
		}
	}
	for _, r := range g.alerts {
		r.evalAt = ts
	}
	return true
}

// build compiles files into rule groups. Nothing of the running engine is touched.
func (e *Engine) build(files []ruleFile) ([]*groupState, needs, error) {
	n := newNeeds(e.opts.Retention)
	n.addTriage()
	var out []*groupState
	var errs []error
	recorded := map[string][]recording{}
	for i := range files {
		if err := files[i].parse(e.parser); err != nil {
			errs = append(errs, err)
			continue
		}
		for _, rg := range files[i].groups.Groups {
			for _, r := range rg.Rules {
				if expr, err := e.parser.ParseExpr(r.Expr); err == nil && r.Record != "" {
					recorded[r.Record] = append(recorded[r.Record], recording{expr, slices.Collect(maps.Keys(promrules.FromMaps(rg.Labels, r.Labels).Map()))})
				}
			}
		}
	}
	for _, f := range files {
		if f.groups == nil {
			continue
		}
		for _, rg := range f.groups.Groups {
			reads := newNeeds(e.opts.Retention)
			g, err := e.buildGroup(f.name, rg, &reads)
			if err == nil && g.peers {
				n.addPeers(reads)
			} else {
				n.merge(reads)
			}
			if err != nil {
				errs = append(errs, fmt.Errorf("%s: group %q: %w", f.name, rg.Name, err))
				continue
			}
			out = append(out, g)
		}
	}
	_, alerts := n.of("ALERTS")
	_, since := n.of("ALERTS_FOR_STATE")
	for _, g := range out {
		for _, r := range g.alerts {
			r.selectors = resolve(r.selectors, recorded, e.opts.Lookback, 0)
			r.recorded = alerts || since
		}
	}
	return out, n, errors.Join(errs...)
}

func (e *Engine) buildGroup(file string, rg rulefmt.RuleGroup, n *needs) (*groupState, error) {
	interval := time.Duration(rg.Interval)
	if interval == 0 {
		interval = e.opts.Interval
	}
	g := &groupState{rules: len(rg.Rules), peers: rg.Name == peersGroup && strings.HasPrefix(file, builtin)}
	list := make([]promrules.Rule, 0, len(rg.Rules))
	ext := labels.FromMap(e.opts.ExternalLabels)
	for _, r := range rg.Rules {
		expr, err := e.parser.ParseExpr(r.Expr)
		if err != nil {
			return nil, err
		}
		n.addExpr(expr, e.opts.Lookback)
		lbls := promrules.FromMaps(rg.Labels, r.Labels)
		if r.Alert == "" {
			list = append(list, promrules.NewRecordingRule(r.Record, expr, lbls))
			continue
		}
		ar := &alertRule{
			AlertingRule: promrules.NewAlertingRule(r.Alert, expr, time.Duration(r.For), time.Duration(r.KeepFiringFor), labels.EmptyLabels(),
				labels.EmptyLabels(), ext, e.opts.ExternalURL, true, slog.New(slog.DiscardHandler)),
			file: file, group: rg.Name, interval: interval, stride: e.stride, text: expr.String(), short: shortcutOf(expr), estimate: estimatorOf(expr, e.opts.Lookback),
			quiet: true, byHash: map[uint64]element{}, labels: lbls, annotations: labels.FromMap(r.Annotations),
			selectors: selectorsOf(expr, e.opts.Lookback), ext: e.opts.ExternalLabels, url: e.opts.externalURL(),
			st: e.st, lookback: e.opts.Lookback, max: e.opts.MaxAlerts, inst: map[uint64]*instance{}, closed: e.close,
		}
		lbls.Range(func(l labels.Label) {
			ar.templated = ar.templated || strings.Contains(l.Value, "{{")
			n.addText(l.Value, e.opts.Lookback)
		})
		for _, text := range r.Annotations {
			n.addText(text, e.opts.Lookback)
		}
		g.alerts = append(g.alerts, ar)
		list = append(list, ar)
	}
	g.Group = promrules.NewGroup(promrules.GroupOptions{
		Name: rg.Name, File: file, Interval: interval, Limit: rg.Limit, Rules: list, QueryOffset: (*time.Duration)(rg.QueryOffset),
		Opts: e.managerOptions(),
	})
	return g, nil
}
