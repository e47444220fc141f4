package monitor

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

// SegmentConfig is a field by which a model is cut into segments.
type SegmentConfig struct {
	Path        string
	Name        string   // value of the label by; empty means the path
	Top         int      // how many values may get a name by being frequent; 0 means only those in Values
	Values      []string // always named, however rare
	HashKeyFile string   // names are shown as their HMAC under the key in this file; empty means as they are
}

const (
	defaultTop       = 20
	maxTop           = 200
	maxSegments      = 5
	maxSegmentValues = 200
	defaultMaxSeries = 1000
	maxMaxSeries     = 20_000
	minKeyBytes      = 16
)

func (s *SegmentConfig) by() string {
	if s.Name != "" {
		return s.Name
	}
	return s.Path
}

// readKey reads the key of hashed names; a relative path starts from the folder of the model file.
func (m *Model) readKey(path string) ([]byte, error) {
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(m.File), path)
	}
	key, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("model %s (%s): read key of hashed segments: %w", m.Name, m.File, err)
	}
	if key = bytes.TrimSpace(key); len(key) < minKeyBytes {
		return nil, fmt.Errorf("model %s (%s): the key in %s has %d bytes, want at least %d: write one with openssl rand -hex 32", m.Name, m.File, path, len(key), minKeyBytes)
	}
	return key, nil
}

func (d *decoder) segments(m *Model, e entry) {
	if e.val.Kind != yaml.SequenceNode {
		d.fail(e.val, e.path, "is "+kindName(e.val), "a list of fields", "write segments: [{path: country}]")
		return
	}
	for i, item := range e.val.Content {
		item = deref(item)
		s := SegmentConfig{Top: defaultTop}
		k := entry{name: "segments", key: item, val: item, path: fmt.Sprintf("%s[%d]", e.path, i)}
		at := item
		if item.Kind == yaml.ScalarNode {
			s.Path, _ = d.text(k, "the path of a field with few values")
		} else {
			at = d.segment(k, &s)
		}
		if s.Path == "" {
			continue
		}
		if isWildcard(s.Path) {
			d.fail(at, k.path, "a segment cannot be a wildcard", "the path of one field", "")
			continue
		}
		d.path(at, k.path, s.Path)
		if slices.ContainsFunc(m.Segments, func(o SegmentConfig) bool { return o.by() == s.by() }) || s.by() == "replica" {
			d.fail(at, k.path, fmt.Sprintf("the name %q stands twice", clip(s.by())), "each name once; replica is that of fields.replica", "add a name:")
		}
		m.Segments = append(m.Segments, s)
	}
	if len(m.Segments) > maxSegments {
		d.fail(e.val, e.path, fmt.Sprintf("%d segments", len(m.Segments)), fmt.Sprintf("at most %d", maxSegments), "")
	}
}

// segment reads one entry and returns where its path stands.
func (d *decoder) segment(k entry, s *SegmentConfig) *yaml.Node {
	at, known := k.val, false
	for _, o := range d.mapping(k.val, k.path, "path", "name", "top", "values", "hash") {
		switch o.name {
		case "path":
			s.Path, _ = d.text(o, "the path of a field with few values")
			at, known = o.val, true
		case "name":
			if s.Name, _ = d.text(o, "a name"); len(s.Name) > 60 {
				d.fail(o.val, o.path, "is longer than 60 characters", "a shorter name", "")
			}
		case "top":
			if v, ok := d.integer(o, 0, maxTop); ok {
				s.Top = int(v)
			}
		case "values":
			s.Values = d.texts(o, "a list of values that may always be shown")
			if len(s.Values) > maxSegmentValues {
				d.fail(o.val, o.path, fmt.Sprintf("%d values", len(s.Values)), fmt.Sprintf("at most %d", maxSegmentValues), "")
			}
			if sorted := slices.Sorted(slices.Values(s.Values)); len(slices.Compact(sorted)) != len(s.Values) {
				d.fail(o.val, o.path, "a value stands twice", "each value once", "")
			}
		case "hash":
			s.HashKeyFile, _ = d.text(o, "the path of a file that holds a key")
		}
	}
	if !known && k.val.Kind == yaml.MappingNode {
		d.fail(k.val, k.path, "path is missing", "the path of a field with few values", "add path: country")
	}
	if s.Top == 0 && len(s.Values) == 0 {
		d.fail(k.val, k.path, "top is 0 and no values are listed", "a top above 0, or values", "add values: [CH, DE]")
	}
	return at
}

// ReferenceSegment is what one value of a segment's field was in the reference.
type ReferenceSegment struct {
	By      string              `json:"by"`
	Value   string              `json:"value"`
	Classes []ReferenceCategory `json:"classes,omitempty"`
	Records uint64              `json:"records"`
}

// reference is what the reference file says of a part, in the cells that are watched; nil when it says nothing. Scores are not kept
// by segment: a model without a label learns its segments.
func (c *cut) reference(p *piece) []uint64 {
	if c.in.reference == nil || c.classes == 0 {
		return nil
	}
	for i := range c.in.reference.Segments {
		s := &c.in.reference.Segments[i]
		if s.By != c.by || s.Value != p.name {
			continue
		}
		out := make([]uint64, c.classes-1)
		for _, k := range s.Classes {
			if at := slices.Index(c.in.label.base.categories, k.Name); at >= 0 && at < len(out) {
				out[at] = k.Count
			}
		}
		return out
	}
	return nil
}

// segmentBuilder counts classes by segment while a reference is built: at most ten thousand values a field.
type segmentBuilder struct {
	cut    *cut
	values map[string]*segmentCounts
}

type segmentCounts struct {
	n       uint64
	classes map[string]uint64
}

func (b *segmentBuilder) observe(rec *parse.Record, label []byte) {
	text := b.cut.text(rec)
	if len(text) == 0 || len(text) > maxNameBytes {
		return
	}
	if b.cut.mac != nil {
		text = b.cut.hashed(text)
	}
	v := b.values[string(text)]
	if v == nil {
		if len(b.values) >= maxLearnedNames {
			return
		}
		v = &segmentCounts{classes: map[string]uint64{}}
		b.values[string(text)] = v
	}
	v.n++
	if _, known := v.classes[string(label)]; label != nil && len(label) <= maxNameBytes && (known || len(v.classes) < defaultMaxCategories) {
		v.classes[string(label)]++
	}
}

// append adds what was counted to a reference: values that were seen often enough, and of them the most frequent.
func (b *segmentBuilder) append(r *Reference, m *Model) {
	var label *ReferenceColumn
	for i := range r.Columns {
		if c := &r.Columns[i]; c.Role == RolePrediction && c.Name == "label" {
			label = c
		}
	}
	if label == nil {
		return
	}
	var out []ReferenceSegment
	for name, v := range b.values {
		_, fixed := b.cut.index[name]
		if v.n < m.MinCategoryCount && !fixed || name == nameOther || name == nameAbsent {
			continue
		}
		s := ReferenceSegment{By: b.cut.by, Value: name, Records: v.n}
		for _, k := range label.Categories {
			if n := v.classes[k.Name]; n > 0 {
				s.Classes = append(s.Classes, ReferenceCategory{k.Name, n})
			}
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(x, y ReferenceSegment) int {
		if x.Records != y.Records {
			return int(min(max(int64(y.Records)-int64(x.Records), -1), 1))
		}
		return cmpText(x.Value, y.Value)
	})
	r.Segments = append(r.Segments, out[:min(len(out), len(b.cut.parts)-firstPlace)]...)
}
