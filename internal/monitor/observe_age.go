package monitor

import (
	"slices"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

// ageForm is how the age of a value is written in a record.
type ageForm uint8

const (
	ageWritten ageForm = iota // the time at which the value was written, read by the parser
	ageSeconds                // the age itself
	ageText                   // the time at which the value was written, as a value like any other
)

// ageSource is the slot that brings the age of one feature.
type ageSource struct {
	slot int
	form ageForm
}

// claimAge says whether a slot that a wildcard found brings the age of another field, and remembers it for that field.
// Ages come in a map of their own, or beside the values under names that end as feature stores end them; the latter
// only when the value itself is there, so that a feature of such a name is followed like any other.
func (in *Instance) claimAge(slots []parse.Slot, i int) bool {
	path := slots[i].Path
	for k := range in.model.Features {
		f := &in.model.Features[k]
		before, after, ok := f.agePattern()
		if !ok || len(path) <= len(before)+len(after) || !strings.HasPrefix(path, before) || !strings.HasSuffix(path, after) {
			continue
		}
		form := ageText
		switch {
		case f.Age != "":
			form = ageSeconds
		case isWildcard(f.UpdatedAt):
			form = ageWritten
		}
		in.takeAge(strings.TrimSuffix(f.Path, "*")+path[len(before):len(path)-len(after)], ageSource{i, form})
		return true
	}
	for _, suffix := range feastSuffixes {
		stem, ok := strings.CutSuffix(path, suffix)
		if !ok || in.named(path) || in.featureFor(stem) == nil {
			continue
		}
		if in.column(stem) != nil || slices.ContainsFunc(slots, func(s parse.Slot) bool { return s.Path == stem }) {
			in.takeAge(stem, ageSource{i, ageText})
			return true
		}
	}
	return false
}

// named says whether the model file has an entry for exactly this path.
func (in *Instance) named(path string) bool {
	return slices.ContainsFunc(in.model.Features, func(f FeatureConfig) bool { return f.Path == path })
}

// takeAge gives a feature its source of ages, now or when it becomes a column.
func (in *Instance) takeAge(path string, s ageSource) {
	if in.ageSources == nil {
		in.ageSources = map[string]ageSource{}
	}
	in.ageSources[path] = s
	if c := in.column(path); c != nil && c.ageSlot < 0 {
		c.ageSlot, c.ageForm = s.slot, s.form
	}
}

// observeAge counts how old the column's value was when the record was made.
func (c *column) observeAge(t *tally, rec *parse.Record, v *parse.Value, event int64) {
	if c.ageSlot >= len(rec.Values) {
		return
	}
	age, ok := c.ageForm.read(&rec.Values[c.ageSlot], event)
	if !ok {
		return
	}
	if t.ages == nil {
		t.ages = &ageTally{}
	}
	t.ages.observe(age, c.maxAge)
	if v.Kind >= parse.Number && v.Kind != parse.Invalid && (c.maxAge == 0 || age <= c.maxAge) && event > c.lastGood {
		c.lastGood = event
	}
}

// read is the age in seconds. A negative one says that the writer's clock is ahead of the model server's.
func (f ageForm) read(v *parse.Value, event int64) (float64, bool) {
	switch {
	case f == ageSeconds:
		return v.Num, v.Kind == parse.Number
	case f == ageWritten:
		return float64(event)/1e9 - v.Num, v.Kind == parse.Number
	case v.Kind == parse.Number:
		return float64(event)/1e9 - epochSeconds(v.Num), v.Num > 0
	case v.Kind == parse.String:
		for _, layout := range [...]string{time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", "2006-01-02T15:04:05.999999999"} {
			if at, err := time.Parse(layout, string(v.Str)); err == nil {
				return float64(event-at.UnixNano()) / 1e9, true
			}
		}
	}
	return 0, false
}

// epochSeconds reads Unix seconds, milliseconds, microseconds or nanoseconds: they are three digits apart.
func epochSeconds(x float64) float64 {
	for x > 1e11 {
		x /= 1e3
	}
	return x
}
