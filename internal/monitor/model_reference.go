package monitor

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
)

// of is the configuration of a column that learns: a reference file does not know it, or there is none.
func (r *ReferenceConfig) of() ReferenceConfig {
	if r.File == "" {
		return *r
	}
	return ReferenceConfig{For: defaultLearn, Flat: r.Flat, Exclude: r.Exclude}
}

// grows says whether a column goes on learning after its bins have settled, with the time of the week.
func (r *ReferenceConfig) grows() bool {
	const long = seasonDays * 24 * time.Hour
	return r.Rolling > 0 || r.For >= long || !r.From.IsZero() && !r.Until.IsZero() && r.Until.Sub(r.From) >= long
}

// ranges says whether somebody named the time that is normal: nothing is judged before it is over.
func (r *ReferenceConfig) ranges() bool {
	return !r.From.IsZero() && !r.Until.IsZero() && r.For == 0 && r.Records == 0 && r.Rolling == 0
}

// over says whether a reference that began at from is whole at an event time, after so many records. A rolling one
// becomes an anchor.
func (r *ReferenceConfig) over(from, event int64, records uint64) bool {
	switch {
	case r.Records > 0 && records >= r.Records:
		return true
	case r.For > 0 && event-from >= int64(r.For):
		return true
	case r.Rolling > 0 && event-from >= int64(r.Rolling):
		return true
	default:
		return !r.Until.IsZero() && event >= r.Until.UnixNano()
	}
}

// excludes says whether an event time lies in a known incident.
func (r *ReferenceConfig) excludes(t int64) bool {
	for _, s := range r.Exclude {
		if t >= s.From.UnixNano() && t < s.Until.UnixNano() {
			return true
		}
	}
	return false
}

// notes say what a short reference means.
func (r *ReferenceConfig) notes() []string {
	if r.File != "" || r.PageWhileLearning || r.grows() && (r.Rolling == 0 || r.Rolling >= seasonDays*24*time.Hour) {
		return nil
	}
	what := "learns less than 14 days"
	if r.Rolling > 0 {
		what = "rolls over less than 14 days"
	}
	return []string{"reference: " + what + ": alarms open tickets and wake nobody. Write learn: 28d, or page_while_learning: true if a short reference is all there is to know"}
}

// season reads auto or none.
func (d *decoder) season(e entry) (flat bool) {
	s, ok := d.text(e, "auto or none")
	if ok && s != "auto" && s != "none" {
		d.fail(e.val, e.path, fmt.Sprintf("%q is not a season", clip(s)), "auto or none", "write none if what is normal is the same at any time")
	}
	return s == "none"
}

// maxExclude bounds the known incidents of a model file.
const maxExclude = 1000

// spans reads a list of {from, until}.
func (d *decoder) spans(e entry) []Span {
	if e.val.Kind != yaml.SequenceNode {
		d.fail(e.val, e.path, "is "+kindName(e.val), "a list of incidents", "write exclude: [{from: 2026-08-01T10:00:00Z, until: 2026-08-01T12:00:00Z}]")
		return nil
	}
	if len(e.val.Content) > maxExclude {
		d.fail(e.val, e.path, fmt.Sprintf("%d incidents", len(e.val.Content)), fmt.Sprintf("at most %d", maxExclude), "")
		return nil
	}
	var out []Span
	for i, item := range e.val.Content {
		path := fmt.Sprintf("%s[%d]", e.path, i)
		var s Span
		for _, k := range d.mapping(deref(item), path, "from", "until") {
			if k.name == "from" {
				s.From = d.instant(k)
			} else {
				s.Until = d.instant(k)
			}
		}
		if len(d.problems) == 0 && (s.From.IsZero() || !s.Until.After(s.From)) {
			d.fail(item, path, "is no stretch of time", "from, and a later until", "")
		}
		out = append(out, s)
	}
	return out
}
