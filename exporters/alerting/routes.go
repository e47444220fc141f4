package alerting

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	amconfig "github.com/prometheus/alertmanager/config"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

// routesConfig is a routes file that passed every check.
type routesConfig struct {
	file  string
	shown string // the file without secrets and without what Alertmanager does not know
	am    *amconfig.Config
	// ours holds, per receiver, the destinations that Alertmanager's format does not know.
	ours map[string]ownConfigs
	// set tells which keys of a pagerduty_configs entry were written, by receiver and index: Alertmanager
	// fills in its own defaults, and ours differ.
	set map[string][]map[string]bool
}

// ConfigError is a mistake in a file that a user wrote.
type ConfigError struct {
	File         string
	Line, Column int
	Problem      string // what is there and what was expected
	Fix          string // what to write instead; may be empty
}

func (e *ConfigError) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Problem)
	if e.Fix != "" {
		s += "; " + e.Fix
	}
	return s
}

func errAt(file string, n *yaml.Node, fix, format string, args ...any) error {
	return &ConfigError{File: file, Line: n.Line, Column: n.Column, Problem: fmt.Sprintf(format, args...), Fix: fix}
}

var yamlLine = regexp.MustCompile(`line (\d+): ?`)

// fromYAML gives an error of the YAML package its place. at is where it stands if the error has no line.
func fromYAML(file string, at *yaml.Node, err error) error {
	var ce *ConfigError
	if errors.As(err, &ce) {
		return err
	}
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "yaml: "), "unmarshal errors:\n  ")
	line, column := 1, 1
	if at != nil {
		line, column = at.Line, at.Column
	}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		if _, serr := fmt.Sscan(m[1], &line); serr == nil {
			column = 1
			if at != nil && at.Line == line {
				column = at.Column
			}
		}
		text = strings.Replace(text, m[0], "", 1)
	}
	return &ConfigError{File: file, Line: line, Column: column, Problem: text}
}

// parseRoutes reads and checks a routes file. Alertmanager's own types do the reading; before them every key is
// held against what we honour, because a key that is silently ignored is a page that silently does not come.
func parseRoutes(file string, data []byte) (*routesConfig, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fromYAML(file, nil, err)
	}
	if len(doc.Content) == 0 {
		return nil, &ConfigError{File: file, Line: 1, Column: 1, Problem: "the file is empty", Fix: "write at least a route with a receiver, and that receiver"}
	}
	budget := maxRouteNodes
	root, err := plain(file, doc.Content[0], 0, &budget)
	if err != nil {
		return nil, err
	}
	if err := checkKeys(file, root, routesSchema, ""); err != nil {
		return nil, err
	}
	shown, err := showable(root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := expandEnv(file, root); err != nil {
		return nil, err
	}
	cfg := &routesConfig{file: file, shown: shown, am: &amconfig.Config{}, ours: map[string]ownConfigs{}, set: map[string][]map[string]bool{}}
	if err := cfg.takeOurs(root); err != nil {
		return nil, err
	}
	if err := checkPieces(file, root); err != nil {
		return nil, err
	}
	if err := checkReferences(file, root); err != nil {
		return nil, err
	}
	if route := child(root, "route"); route == nil || route.Kind != yaml.MappingNode {
		return nil, errAt(file, root, "write a route with a receiver", "there is no route")
	}
	if err := root.Decode(cfg.am); err != nil {
		return nil, fromYAML(file, root, err)
	}
	if cfg.am.Route.Continue {
		return nil, errAt(file, child(root, "route"), "take continue out of the first route", "the root route cannot have continue")
	}
	return cfg, nil
}

// Bounds on what aliases may make of a file.
const (
	maxRouteNodes = 100_000
	maxRouteDepth = 100
)

// plain copies a tree with every alias and merge replaced by what it stands for, so that nothing after it has to
// know of them. One that holds itself has no end, and a few lines of aliases of aliases make millions of nodes.
func plain(file string, n *yaml.Node, depth int, budget *int) (*yaml.Node, error) {
	if *budget--; *budget < 0 || depth > maxRouteDepth {
		return nil, errAt(file, n, "use fewer aliases", "the file is too large or too deep once its aliases are followed")
	}
	if n.Kind == yaml.AliasNode {
		c, err := plain(file, n.Alias, depth+1, budget)
		if err != nil {
			return nil, err
		}
		c.Line, c.Column = n.Line, n.Column
		return c, nil
	}
	c := *n
	c.Anchor, c.Content = "", make([]*yaml.Node, len(n.Content))
	for i, x := range n.Content {
		var err error
		if c.Content[i], err = plain(file, x, depth+1, budget); err != nil {
			return nil, err
		}
	}
	if c.Kind == yaml.MappingNode {
		c.Content = merged(c.Content)
	}
	return &c, nil
}

// merged puts what stands behind << in place. A key of the mapping itself wins, then the first merged one.
func merged(pairs []*yaml.Node) []*yaml.Node {
	var out, more []*yaml.Node
	have := map[string]bool{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i].Tag != "!!merge" {
			out = append(out, pairs[i], pairs[i+1])
			have[pairs[i].Value] = true
		} else if pairs[i+1].Kind == yaml.SequenceNode {
			more = append(more, pairs[i+1].Content...)
		} else {
			more = append(more, pairs[i+1])
		}
	}
	for _, m := range more {
		for i := 0; m.Kind == yaml.MappingNode && i+1 < len(m.Content); i += 2 {
			if !have[m.Content[i].Value] {
				have[m.Content[i].Value] = true
				out = append(out, m.Content[i], m.Content[i+1])
			}
		}
	}
	return out
}

// child finds the value of a key in a mapping; nil when it is not there.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// items lists the elements of a sequence; none for anything else.
func items(n *yaml.Node) []*yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode {
		return nil
	}
	return n.Content
}

// checkPieces decodes each part on its own first, so that a complaint that has no line gets one.
func checkPieces(file string, root *yaml.Node) error {
	for _, rcv := range items(child(root, "receivers")) {
		if err := rcv.Decode(&amconfig.Receiver{}); err != nil {
			return fromYAML(file, rcv, err)
		}
	}
	var routes func(n *yaml.Node) error
	routes = func(n *yaml.Node) error {
		for _, c := range items(child(n, "routes")) {
			if err := routes(c); err != nil {
				return err
			}
		}
		for _, key := range []string{"group_wait", "group_interval", "repeat_interval"} {
			if v := child(n, key); v != nil {
				if _, err := model.ParseDuration(v.Value); err != nil {
					return errAt(file, v, "write a number and a unit, as in 30s, 5m or 4h", "%s: %v", key, err)
				}
			}
		}
		if err := n.Decode(&amconfig.Route{}); err != nil {
			return fromYAML(file, n, err)
		}
		return nil
	}
	if n := child(root, "route"); n != nil {
		if err := routes(n); err != nil {
			return err
		}
	}
	return nil
}

// checkReferences finds names that nothing defines, where they stand.
func checkReferences(file string, root *yaml.Node) error {
	names := func(list string) map[string]bool {
		out := map[string]bool{}
		for _, n := range items(child(root, list)) {
			if name := child(n, "name"); name != nil {
				out[name.Value] = true
			}
		}
		return out
	}
	receivers, intervals := names("receivers"), names("time_intervals")
	for k := range names("mute_time_intervals") {
		intervals[k] = true
	}
	var walk func(n *yaml.Node) error
	walk = func(n *yaml.Node) error {
		if r := child(n, "receiver"); r != nil && !receivers[r.Value] {
			return errAt(file, r, "add it to receivers, or use one of: "+known(receivers), "receiver %q is not defined", r.Value)
		}
		for _, key := range []string{"mute_time_intervals", "active_time_intervals"} {
			for _, t := range items(child(n, key)) {
				if !intervals[t.Value] {
					return errAt(file, t, "add it to time_intervals, or use one of: "+known(intervals), "time interval %q is not defined", t.Value)
				}
			}
		}
		for _, c := range items(child(n, "routes")) {
			if err := walk(c); err != nil {
				return err
			}
		}
		return nil
	}
	if n := child(root, "route"); n != nil {
		return walk(n)
	}
	return nil
}
