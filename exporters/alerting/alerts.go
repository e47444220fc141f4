package alerting

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// entry is one alert instance that is held. The maps inside a are never changed, so notifications share them.
type entry struct {
	key     string
	a       alert.Alert
	set     model.LabelSet // a.Labels in Alertmanager's type
	size    int
	ended   time.Time // when it was heard that the alert ended; zero while it fires
	expires time.Time // for alerts that came by the API: end of an alert that nobody repeats; zero means never
	groups  []*group
}

func (e *entry) firing() bool { return e.a.State == alert.Firing }

// rememberEnded is how long an alert that ended is remembered, so that a batch which was sent before the end and
// arrives after it does not open the incident again, and so that it holds back its symptoms for the aftermath.
const rememberEnded = max(15*time.Minute, aftermath)

func (e *entry) forgettable(now time.Time) bool {
	age := now.Sub(e.ended)
	return age > rememberEnded || age < -time.Minute // the clock jumped back
}

// start is when the alert began to fire, as far as its sender knows.
func (e *entry) start() time.Time {
	if e.a.StartsAt.IsZero() {
		return e.a.UpdatedAt
	}
	return e.a.StartsAt
}

// accept takes one alert. It decides nothing: Tick does.
func (d *Dispatcher) accept(now time.Time, a alert.Alert) *entry {
	if len(a.Labels) == 0 || a.State != alert.Firing && a.State != alert.Resolved {
		return nil // pending alerts never leave the rules; an alert without identity cannot be followed up
	}
	a, size := clamp(readable(a, now))
	if size > maxOneAlertBytes {
		d.metrics.suppress("overflow")
		return nil
	}
	if a.UpdatedAt.IsZero() {
		a.UpdatedAt = now
	}
	if a.StartsAt.IsZero() {
		a.StartsAt = a.UpdatedAt
	}
	key := a.Key()
	old := d.alerts[key]
	switch {
	case old == nil && a.State == alert.Resolved:
		if !now.Before(d.unsureTil) {
			return nil
		}
		d.resolveForgotten(now, a)
		return nil
	case old == nil:
		if d.full(size) && !d.evictEnded(size) {
			d.metrics.suppress("overflow")
			return nil
		}
		e := &entry{key: key, a: a, set: labelSet(a.Labels), size: size}
		d.alerts[key] = e
		d.alertText += size
		d.route(e)
		e.touch()
		d.state.touch(alertPrefix + key)
		return e
	case stale(old.a, a, now):
		return nil
	}
	// Only what decides about an incident goes to disk at once. Text and values that change with every
	// evaluation are written along with the next change of state.
	changed := old.a.State != a.State || old.a.DataMissing != a.DataMissing || !old.a.StartsAt.Equal(a.StartsAt)
	d.alertText += size - old.size
	a.Labels = old.a.Labels
	old.a, old.size = a, size
	old.expires = time.Time{} // whoever repeats it decides anew; see postAlerts
	if changed {
		if old.ended = (time.Time{}); !old.firing() {
			old.ended = now
		}
		old.touch()
		d.state.touch(alertPrefix + key)
	}
	return old
}

func (d *Dispatcher) full(more int) bool {
	return len(d.alerts) >= maxAlerts || d.alertText+more > maxAlertTextBytes
}

// evictEnded makes room at the cost of remembering alerts that have ended and that nobody has to be told of.
func (d *Dispatcher) evictEnded(more int) bool {
	told := d.toldAlerts()
	for key, e := range d.alerts {
		if !e.firing() && !told[key] {
			d.remove(e)
		}
	}
	d.dropEmpty()
	return !d.full(more)
}

// touch marks the groups of an alert for the next Tick.
func (e *entry) touch() {
	for _, g := range e.groups {
		g.dirty = true
	}
}

// stale says that a was overtaken by what is held already: batches that are retried can arrive late.
// Times in the future of now prove nothing, because then the clock has jumped back.
func stale(held, a alert.Alert, now time.Time) bool {
	if !a.UpdatedAt.Before(held.UpdatedAt) || held.UpdatedAt.After(now.Add(time.Minute)) {
		return false
	}
	if a.State == alert.Resolved && held.State == alert.Firing && !a.StartsAt.Before(held.StartsAt) {
		return false // the end of the very episode that is held: true whenever it was said
	}
	return true
}

// readable makes what cannot be written as JSON writable: bytes that are not UTF-8, and times that no calendar has.
func readable(a alert.Alert, now time.Time) alert.Alert {
	for _, t := range []*time.Time{&a.ActiveAt, &a.StartsAt, &a.UpdatedAt, &a.EndsAt} {
		if y := t.Year(); y < 1 || y > 9999 {
			*t = now
		}
	}
	bad := func(m map[string]string) bool {
		for k, v := range m {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return true
			}
		}
		return false
	}
	fix := func(m map[string]string) map[string]string {
		out := make(map[string]string, len(m))
		for _, k := range slices.Sorted(maps.Keys(m)) {
			out[strings.ToValidUTF8(k, "?")] = strings.ToValidUTF8(m[k], "?")
		}
		return out
	}
	if bad(a.Labels) {
		a.Labels = fix(a.Labels)
	}
	if bad(a.Annotations) {
		a.Annotations = fix(a.Annotations)
	}
	a.Generator = strings.ToValidUTF8(a.Generator, "?")
	return a
}

// clamp bounds the text of one alert: the longest annotations are cut first. Labels are identity and cannot be
// cut; accept refuses an alert whose labels alone are too long.
func clamp(a alert.Alert) (alert.Alert, int) {
	labels := 0
	for k, v := range a.Labels {
		labels += len(k) + len(v)
	}
	size := labels
	for k, v := range a.Annotations {
		size += len(k) + len(v)
	}
	if size <= maxOneAlertBytes || labels > maxOneAlertBytes {
		return a, size
	}
	a = a.Clone()
	names := slices.Collect(maps.Keys(a.Annotations))
	slices.SortFunc(names, func(x, y string) int {
		return cmp.Or(cmp.Compare(len(a.Annotations[y]), len(a.Annotations[x])), cmp.Compare(x, y))
	})
	for _, k := range names {
		over := size - maxOneAlertBytes
		if over <= 0 {
			break
		}
		v := a.Annotations[k]
		if len(v) < 1024 { // thousands of small ones: the names weigh as much as the text
			delete(a.Annotations, k)
			size -= len(k) + len(v)
			continue
		}
		a.Annotations[k] = cutText(v, max(len(v)-over-len(cutMark), 512))
		size -= len(v) - len(a.Annotations[k])
	}
	return a, size
}

const cutMark = " [cut]"

// cutText keeps at most n bytes on a rune boundary and says that it did.
func cutText(s string, n int) string {
	if len(s) <= n+len(cutMark) {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n] + cutMark
}

func (d *Dispatcher) remove(e *entry) {
	for _, g := range e.groups {
		delete(g.entries, e.key)
	}
	delete(d.alerts, e.key)
	d.alertText -= e.size
	d.state.drop(alertPrefix + e.key)
}

func labelSet(labels map[string]string) model.LabelSet {
	set := make(model.LabelSet, len(labels))
	for k, v := range labels {
		set[model.LabelName(k)] = model.LabelValue(v)
	}
	return set
}
