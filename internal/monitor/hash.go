package monitor

import (
	"fmt"
	"strconv"
)

// fieldsHash covers what the model asks of a record.
func fieldsHash(m *Model) uint64 {
	parts := []string{m.Logs.Format, m.Timestamp.Path, m.Version}
	if m.Score != nil {
		parts = append(parts, "score", m.Score.Path, string(m.Score.Kind))
	}
	if m.Label != nil {
		parts = append(parts, "label", m.Label.Path, m.Label.Positive)
	}
	for _, f := range m.Features {
		parts = append(parts, f.Path, f.Name, string(f.Kind), f.UpdatedAt, strconv.FormatBool(f.Ignore))
		if f.Age != "" {
			parts = append(parts, "age", f.Age)
		}
	}
	if m.Truth != nil {
		parts = append(parts, "truth", m.Truth.Path, m.Truth.Positive)
	}
	for _, s := range m.Segments {
		parts = append(parts, "segment", s.by(), s.Path)
	}
	return hash64(parts...)
}

// configHash covers everything in a model file and its reference that the engine's numbers depend on. Two instances
// with the same hash are interchangeable.
func configHash(m *Model, ref *Reference) uint64 {
	plain := *m
	plain.File, plain.notes, plain.place, plain.schemaless = "", nil, [2]int{}, false
	plain.Score, plain.Label, plain.Features, plain.Truth = nil, nil, nil, nil
	location := ""
	if m.Logs.Location != nil {
		location, plain.Logs.Location = m.Logs.Location.String(), nil
	}
	text := location + fmt.Sprintf("|%+v|%+v|%+v", plain, deref2(m.Score), deref2(m.Label))
	if m.Truth != nil {
		truth := *m.Truth
		if truth.Logs.Location != nil {
			text += truth.Logs.Location.String()
			truth.Logs.Location = nil
		}
		text += fmt.Sprintf("|%+v", truth)
	}
	for _, f := range m.Features {
		t := f.Tolerance
		f.Tolerance = nil
		text += fmt.Sprintf("|%+v%+v", f, deref2(t))
	}
	parts := []string{text}
	if ref != nil {
		for i := range ref.Columns {
			if b, err := ref.Columns[i].baseline(); err == nil {
				parts = append(parts, ref.Columns[i].Path, strconv.FormatUint(b.hash, 16))
			}
		}
	}
	return hash64(parts...)
}

func deref2[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// shapeHash covers what the intervals of an instance depend on: state of another shape cannot be read into it.
func shapeHash(m *Model) uint64 {
	parts := []string{m.Pane.String(), m.Bucket.String()}
	for _, w := range m.Windows {
		parts = append(parts, w.String())
	}
	return hash64(parts...)
}
