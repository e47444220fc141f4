package monitor

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

func (d *decoder) logs(m *Model, e entry) {
	const globs = "a list of paths that may hold * and **"
	var set = map[string]entry{}
	for _, k := range d.mapping(e.val, e.path, "include", "exclude", "format", "pattern", "columns", "delimiter", "join", "location", "limits") {
		set[k.name] = k
		switch k.name {
		case "include":
			m.Logs.Include = d.texts(k, globs)
		case "exclude":
			m.Logs.Exclude = d.texts(k, globs)
		case "format":
			m.Logs.Format, _ = d.text(k, "a format")
		case "pattern":
			m.Logs.Pattern, _ = d.text(k, "a regular expression with named groups")
		case "columns":
			m.Logs.Columns = d.texts(k, "a list of column names")
		case "delimiter":
			if s, ok := d.text(k, "one character"); ok {
				if s == `\t` {
					s = "\t"
				}
				if len(s) != 1 || s[0] >= utf8.RuneSelf || s == "\n" || s == `"` {
					d.fail(k.val, k.path, fmt.Sprintf("%q cannot be a delimiter", clip(s)), "one character", "")
				}
				m.Logs.Delimiter = s
			}
		case "join":
			if m.Logs.Join, _ = d.text(k, "the path of the key that request and response share"); m.Logs.Join != "" {
				d.path(k.val, k.path, m.Logs.Join)
			}
		case "limits":
			d.limits(m, k)
		case "location":
			if s, ok := d.text(k, "a time zone such as Europe/Zurich"); ok {
				loc, err := time.LoadLocation(s)
				if err != nil {
					d.fail(k.val, k.path, fmt.Sprintf("%q is not a time zone that is known here", clip(s)), "a name of the IANA database", "write, for example, Europe/Zurich or UTC")
				}
				m.Logs.Location = loc
			}
		}
	}
	if e.val.Kind != yaml.MappingNode {
		return
	}
	if _, ok := set["include"]; !ok {
		d.fail(e.key, e.path, "include is missing", globs, "add include: [/var/log/my-model/*.jsonl]")
	}
	if _, ok := set["format"]; !ok {
		m.Logs.Format = "auto"
		m.notes = append(m.notes, "logs.format: not set; lines are read as JSON")
	}
	d.format(m, e, set)
}

func (d *decoder) fields(m *Model, e entry) {
	set := map[string]entry{}
	for _, k := range d.mapping(e.val, e.path, "timestamp", "version", "entity", "client", "client_cap", "id", "replica") {
		set[k.name] = k
		switch k.name {
		case "client", "client_cap":
			d.client(m, k)
		case "entity":
			if m.Entity, _ = d.text(k, "the path of what a record is about"); m.Entity != "" {
				d.path(k.val, k.path, m.Entity)
			}
		case "id":
			if m.ID, _ = d.text(k, "the path of the request's id in a record"); m.ID != "" {
				d.path(k.val, k.path, m.ID)
			}
		case "replica":
			if m.Replica, _ = d.text(k, "the path of the replica's name in a record"); m.Replica != "" {
				d.path(k.val, k.path, m.Replica)
			}
		case "version":
			if m.Version, _ = d.text(k, "the path of the model's version in a record"); m.Version != "" {
				d.path(k.val, k.path, m.Version)
			}
		case "timestamp":
			if k.val.Kind == yaml.ScalarNode {
				if m.Timestamp.Path, _ = d.text(k, "the path of the event time in a record"); m.Timestamp.Path != "" {
					d.path(k.val, k.path, m.Timestamp.Path)
				}
				continue
			}
			for _, t := range d.mapping(k.val, k.path, "path", "pattern", "layout") {
				switch t.name {
				case "path":
					m.Timestamp.Path, _ = d.text(t, "the path of the event time in a record")
				case "pattern":
					m.Timestamp.Pattern, _ = d.text(t, "a regular expression with one group")
					d.onegroup(t, m.Timestamp.Pattern)
				case "layout":
					m.Timestamp.Layout, _ = d.text(t, "unix, unix_ms, unix_us, unix_ns, or a Go time layout")
				}
			}
			if m.Timestamp.Path == "" {
				d.fail(k.val, k.path, "path is missing", "the path of the event time in a record", "add path: ts")
			} else {
				d.path(k.val, k.path, m.Timestamp.Path)
			}
		}
	}
	if k, ok := set["client_cap"]; ok && set["client"].key == nil {
		d.fail(k.key, k.path, "client_cap without client", "both, or neither", "say where the client stands: client: user_id")
	}
}

func (d *decoder) predictions(m *Model, e entry) {
	for _, k := range d.mapping(e.val, e.path, "score", "label") {
		p := &PredictionConfig{}
		if k.val.Kind == yaml.ScalarNode {
			p.Path, _ = d.text(k, "the path of the prediction in a record")
		} else {
			keys := []string{"path", "kind"}
			if k.name == "label" {
				keys = append(keys, "positive")
			}
			for _, f := range d.mapping(k.val, k.path, keys...) {
				switch f.name {
				case "path":
					p.Path, _ = d.text(f, "the path of the prediction in a record")
				case "kind":
					if k.name == "label" {
						p.Kind = d.kind(f, KindCategory)
					} else {
						p.Kind = d.kind(f, KindProbability, KindNumber)
					}
				case "positive":
					p.Positive, _ = d.text(f, "the class that one looks for")
				}
			}
			if p.Path == "" && k.val.Kind == yaml.MappingNode {
				d.fail(k.val, k.path, "path is missing", "the path of the prediction in a record", "add path: prediction."+k.name)
			}
		}
		if isWildcard(p.Path) {
			d.fail(k.val, k.path, "a prediction cannot be a wildcard", "the path of one value", "")
		} else if p.Path != "" {
			d.path(k.val, k.path, p.Path)
		}
		if k.name == "label" {
			p.Kind = KindCategory
			m.Label = p
			continue
		}
		if p.Kind == "" {
			p.Kind = KindNumber
			m.notes = append(m.notes, "predictions.score.kind: not set; taken as number. A score between 0 and 1 is watched more closely as probability")
		}
		m.Score = p
	}
}

func (d *decoder) kind(e entry, allowed ...Kind) Kind {
	var words []string
	for _, k := range allowed {
		words = append(words, string(k))
	}
	s, ok := d.text(e, "one of "+list(words))
	if !ok {
		return ""
	}
	if !contains(words, s) {
		fix := ""
		if guess := nearest(s, words); guess != "" {
			fix = "did you mean " + guess + "?"
		}
		d.fail(e.val, e.path, fmt.Sprintf("%q is not a kind for this", clip(s)), "one of "+list(words), fix)
	}
	return Kind(s)
}

func (d *decoder) features(m *Model, e entry) {
	if e.val.Kind != yaml.SequenceNode {
		d.fail(e.val, e.path, "is "+kindName(e.val), "a list of features", "write features: [{path: features.*}]")
		return
	}
	for i, item := range e.val.Content {
		item = deref(item)
		f := FeatureConfig{Kind: KindAuto}
		k := entry{name: "features", key: item, val: item, path: fmt.Sprintf("%s[%d]", e.path, i)}
		if item.Kind == yaml.ScalarNode {
			f.Path, _ = d.text(k, "the path of a feature in a record")
		} else {
			d.feature(m, k, &f)
		}
		if f.Path == "" {
			continue
		}
		d.path(item, k.path, f.Path)
		d.duplicates(item, m, &f, k.path)
		m.Features = append(m.Features, f)
	}
}

func (d *decoder) feature(m *Model, k entry, f *FeatureConfig) {
	set := map[string]entry{}
	for _, o := range d.mapping(k.val, k.path, "path", "name", "kind", "updated_at", "age", "max_age", "max_stale", "categories", "ignore", "tolerance") {
		set[o.name] = o
		switch o.name {
		case "path":
			f.Path, _ = d.text(o, "the path of a feature in a record")
		case "name":
			f.Name, _ = d.text(o, "a name")
			if len(f.Name) > 200 {
				d.fail(o.val, o.path, "is longer than 200 characters", "a shorter name", "")
			}
		case "kind":
			f.Kind = d.kind(o, KindAuto, KindNumber, KindCategory)
		case "updated_at":
			f.UpdatedAt, _ = d.text(o, "the path of the time at which the value was last written")
		case "age":
			f.Age, _ = d.text(o, "the path of the value's age in seconds")
		case "max_stale":
			f.MaxStale, _ = d.share(o)
		case "max_age":
			f.MaxAge, _ = d.duration(o, time.Millisecond, 10*366*24*time.Hour)
		case "categories":
			f.Categories = d.texts(o, "a list of names that may be shown")
		case "ignore":
			f.Ignore = d.boolean(o)
		case "tolerance":
			t := d.tolerance(o, m.Tolerance)
			f.Tolerance = &t
		}
	}
	if k.val.Kind != yaml.MappingNode {
		return
	}
	if _, ok := set["path"]; !ok {
		d.fail(k.val, k.path, "path is missing", "the path of a feature in a record", "add path: features.my_feature")
	}
	d.featureAge(f, k, set)
	if o, ok := set["categories"]; ok {
		if f.Kind == KindAuto {
			f.Kind = KindCategory
		} else if f.Kind == KindNumber {
			d.fail(o.val, k.path, "categories of a number", "kind: category", "")
		}
	}
	if o, ok := set["name"]; ok {
		stars := strings.Count(f.Name, "*")
		if isWildcard(f.Path) && stars != 1 {
			d.fail(o.val, o.path, "one name for everything below a wildcard", "a name with one * for the part that matched", `write name: "*"`)
		} else if !isWildcard(f.Path) && stars != 0 {
			d.fail(o.val, o.path, "a * in the name of one feature", "a plain name", "")
		}
	}
}

// path refuses what no record could hold.
func (d *decoder) path(n *yaml.Node, key, path string) {
	if star := strings.IndexByte(path, '*'); star >= 0 && (star != len(path)-1 || !isWildcard(path)) {
		d.fail(n, key, fmt.Sprintf("%q has a * that is not the last step", clip(path)), "a path that ends in .*", "")
		return
	}
	d.wrote(path, n)
	if len(path) > 256 {
		d.fail(n, key, "path is longer than 256 characters", "a shorter path", "")
		return
	}
	if _, err := parse.Compile("json", parse.FormatOptions{}, []parse.Field{{Path: path}}); err != nil {
		d.fail(n, key, err.Error(), "", "")
	}
}

// duplicates refuses two columns with the same path or the same name.
func (d *decoder) duplicates(n *yaml.Node, m *Model, f *FeatureConfig, key string) {
	for i := range m.Features {
		o := &m.Features[i]
		switch {
		case o.Path == f.Path:
			d.fail(n, key, fmt.Sprintf("the path %q stands twice", clip(f.Path)), "each path once", "")
		case f.Wildcard() || f.Ignore || o.Wildcard() || o.Ignore:
		case o.label(o.Path) == f.label(f.Path):
			d.fail(n, key, fmt.Sprintf("the name %q stands twice", clip(f.label(f.Path))), "each name once", "")
		}
	}
}

// label is the value of the label feature for a path that f covers.
func (f *FeatureConfig) label(path string) string {
	switch {
	case f.Name == "":
		return path
	case f.Wildcard():
		return strings.Replace(f.Name, "*", strings.TrimPrefix(path, strings.TrimSuffix(f.Path, "*")), 1)
	default:
		return f.Name
	}
}
