package rules

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// What the triage reads of an alarm. The series of one alarm share model, feature, cause and segment.
var triageMetrics = []string{
	catalog.Alarm.Name, catalog.AlarmOnset.Name, catalog.AlarmExpected.Name, catalog.AlarmSeen.Name, catalog.AlarmRecords.Name,
	catalog.EvidenceRatio.Name, catalog.VersionChange.Name,
	catalog.AlarmEarliest.Name, catalog.AlarmLatest.Name, catalog.AlarmSeenLow.Name, catalog.AlarmSeenHigh.Name,
	catalog.AlarmBinWas.Name, catalog.AlarmBinSeen.Name, catalog.Contribution.Name, catalog.AlarmEffective.Name,
}

const (
	triageContributors = 3
	triageBreakdown    = 6
	// causePerformance is the cause whose quantities are ratios, whatever their names.
	causePerformance = "performance"
	// nearOnset is how far before the onset a change of version may lie and still be named: caches, rollouts and slow
	// consequences take hours, and last week's release explains nothing.
	nearOnset = 24 * time.Hour
	// stampLayout is how a page writes a moment.
	stampLayout = "2006-01-02 15:04:05 UTC"
)

// addTriage asks the store for what the triage reads.
func (n *needs) addTriage() {
	for _, name := range triageMetrics {
		n.windows[name] = max(n.windows[name], 0)
	}
}

// triage adds to an alert's annotations what the monitor knows of the alarm behind it: what moved, how far, since when, in how many
// records, what contributes, and which version came shortly before. What the rule says itself is left as it is. An alert that is about no
// alarm gets the range of its dashboard and the versions only.
func (e *Engine) triage(into map[string]string, lbls map[string]string, activeAt, ts time.Time) {
	t := triage{st: e.st, ms: ts.UnixMilli(), lookback: e.opts.Lookback.Milliseconds(), lbls: lbls, out: into}
	if lbls[alert.LabelModel] == "" {
		return
	}
	t.quantities()
	onset := t.onset()
	t.records()
	t.contributors()
	if onset.IsZero() {
		onset = activeAt
	}
	t.versions(onset)
	t.dashboard(onset)
}

// triage collects the annotations of one alert.
type triage struct {
	st           *store
	ms, lookback int64
	lbls         map[string]string
	out          map[string]string
}

func (t *triage) set(name, value string) {
	if t.out[name] == "" && value != "" {
		t.out[name] = value
	}
}

// alarmLabels are what the series of an alarm and an alert about it have in common.
var alarmLabels = []string{alert.LabelModel, alert.LabelFeature, alert.LabelCause, labelSegment, labelInstance}

const (
	labelSegment  = "segment"
	labelInstance = "instance"
)

// read calls yield for the newest value of each series of a metric that agrees with the alert in the named labels. An instance that
// the alert has lost in an aggregation agrees with any.
func (t *triage) read(metric string, agree []string, yield func(l labels.Labels, v float64)) {
	m := t.st.byName[metric]
	if m == nil {
		return
	}
next:
	for _, s := range m.list {
		for _, name := range agree {
			want := t.lbls[name]
			if name == labelInstance && want == "" {
				continue
			}
			if s.lbls.Get(name) != want {
				continue next
			}
		}
		if i := s.after(t.ms); i > 0 {
			if x := s.at(i - 1); t.ms-x.t < t.lookback && !math.IsNaN(x.v) {
				yield(s.lbls, x.v)
			}
		}
	}
}

// by collects the values of a metric of the alarm by one label.
func (t *triage) by(metric, label string) map[string]float64 {
	out := map[string]float64{}
	t.read(metric, alarmLabels, func(l labels.Labels, v float64) { out[l.Get(label)] = v })
	return out
}

// one is the only value of a metric of the alarm.
func (t *triage) one(metric string) (float64, bool) {
	v, ok := 0., false
	t.read(metric, alarmLabels, func(_ labels.Labels, x float64) { v, ok = x, true })
	return v, ok
}

// quantities says what moved and how far: the first quantity in lines of its own, the others and the bins as a list.
func (t *triage) quantities() {
	const what = "what"
	seen, expected := t.by(catalog.AlarmSeen.Name, what), t.by(catalog.AlarmExpected.Name, what)
	low, high := t.by(catalog.AlarmSeenLow.Name, what), t.by(catalog.AlarmSeenHigh.Name, what)
	var lines []string
	for i, name := range slices.Sorted(maps.Keys(seen)) {
		q := quantity{share: strings.HasPrefix(name, "share ") || t.lbls[alert.LabelCause] == causePerformance}
		now := q.text(seen[name])
		lo, okLo := low[name]
		hi, okHi := high[name]
		if okLo && okHi {
			now += " (95% interval " + q.text(lo) + " to " + q.text(hi) + ")"
		}
		was, known := expected[name]
		if i == 0 {
			t.set(alert.AnnotationMoved, name)
			t.set(alert.AnnotationSeen, now)
			if known {
				t.set(alert.AnnotationExpected, q.text(was))
				t.set(alert.AnnotationEffect, q.change(was, seen[name]))
			}
			continue
		}
		if known {
			now = "expected " + q.text(was) + ", seen " + now
		}
		lines = append(lines, name+": "+now)
	}
	t.set(alert.AnnotationBreakdown, strings.Join(append(lines, t.bins()...), "\n"))
}

// bins are the bins and categories whose shares changed most.
func (t *triage) bins() []string {
	const bin = "bin"
	seen, expected := t.by(catalog.AlarmBinSeen.Name, bin), t.by(catalog.AlarmBinWas.Name, bin)
	names := slices.Collect(maps.Keys(seen))
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(math.Abs(seen[b]-expected[b]), math.Abs(seen[a]-expected[a])), cmp.Compare(a, b))
	})
	var lines []string
	q := quantity{share: true}
	names = slices.DeleteFunc(names, func(n string) bool { return t.out[alert.AnnotationMoved] == "share of "+n })
	for _, n := range names[:min(len(names), triageBreakdown)] {
		lines = append(lines, "share of "+n+": expected "+q.text(expected[n])+", seen "+q.text(seen[n]))
	}
	return lines
}

// onset says when the change began, between when and when that lies, and until when all was well for certain.
func (t *triage) onset() time.Time {
	v, ok := t.one(catalog.AlarmOnset.Name)
	if !ok {
		return time.Time{}
	}
	at := seconds(v)
	t.set(alert.AnnotationOnset, at.Format(stampLayout))
	early, okEarly := t.one(catalog.AlarmEarliest.Name)
	late, okLate := t.one(catalog.AlarmLatest.Name)
	switch {
	case okEarly && okLate && early < late:
		t.set(alert.AnnotationOnsetInterval, clock(seconds(early), at)+" to "+clock(seconds(late), at)+" UTC")
	case okLate && !okEarly:
		t.set(alert.AnnotationOnsetInterval, clock(seconds(late), at)+" UTC or earlier")
		return at // nobody remembers when all was well
	}
	good := at
	if okEarly {
		good = seconds(early)
	}
	t.set(alert.AnnotationLastGood, good.Format(stampLayout))
	return at
}

// clock leaves the date out when it is that of the other moment.
func clock(t, other time.Time) string {
	if t.Format(time.DateOnly) == other.Format(time.DateOnly) {
		return t.Format(time.TimeOnly)
	}
	return t.Format(time.DateTime)
}

func (t *triage) records() {
	if n, ok := t.one(catalog.AlarmRecords.Name); ok {
		t.set(alert.AnnotationRecords, strconv.FormatFloat(n, 'f', 0, 64))
	}
	if n, ok := t.one(catalog.AlarmEffective.Name); ok {
		t.set(alert.AnnotationEffectiveRecords, strconv.FormatFloat(n, 'f', 0, 64))
	}
	t.set(alert.AnnotationSegment, t.lbls[labelSegment])
}

// contributors ranks the features by their share of what changed, or, where the monitor has not worked that out, by evidence.
func (t *triage) contributors() {
	if _, alarm := t.one(catalog.Alarm.Name); !alarm {
		return
	}
	type line struct {
		name string
		v    float64
	}
	model := []string{alert.LabelModel, labelInstance}
	rank := func(metric string, least float64) []line {
		var out []line
		t.read(metric, model, func(l labels.Labels, v float64) {
			i := slices.IndexFunc(out, func(x line) bool { return x.name == l.Get(alert.LabelFeature) })
			switch {
			case v <= least:
			case i < 0:
				out = append(out, line{l.Get(alert.LabelFeature), v})
			case out[i].v < v:
				out[i].v = v
			}
		})
		slices.SortFunc(out, func(a, b line) int { return cmp.Or(cmp.Compare(b.v, a.v), cmp.Compare(a.name, b.name)) })
		return out[:min(len(out), triageContributors)]
	}
	var lines []string
	for _, c := range rank(catalog.Contribution.Name, 0) {
		lines = append(lines, fmt.Sprintf("%s: %.0f%% of what changed", c.name, 100*c.v))
	}
	if lines == nil {
		for _, c := range rank(catalog.EvidenceRatio.Name, .3) {
			lines = append(lines, fmt.Sprintf("%s: %.0f%% of the evidence that an alarm needs", c.name, 100*c.v))
		}
	}
	t.set(alert.AnnotationContributors, strings.Join(lines, "\n"))
}

// versions names the changes of version that may have brought it.
func (t *triage) versions(onset time.Time) {
	type change struct {
		at      time.Time
		version string
	}
	var found []change
	t.read(catalog.VersionChange.Name, []string{alert.LabelModel, labelInstance}, func(l labels.Labels, v float64) {
		if at := seconds(v); at.After(onset.Add(-nearOnset)) {
			found = append(found, change{at, l.Get("version")})
		}
	})
	slices.SortFunc(found, func(a, b change) int {
		return cmp.Or(cmp.Compare(a.at.Sub(onset).Abs(), b.at.Sub(onset).Abs()), cmp.Compare(a.version, b.version))
	})
	var lines []string
	for _, c := range found[:min(len(found), 3)] {
		text := "to " + c.version + " at " + c.at.Format(stampLayout)
		switch d := onset.Sub(c.at).Round(time.Second); {
		case d > 0:
			text += ", " + shortDuration(d) + " before the onset"
		case d < 0:
			text += ", " + shortDuration(-d) + " after the onset"
		default:
			text += ", with the onset"
		}
		lines = append(lines, text)
	}
	t.set(alert.AnnotationVersionChange, strings.Join(lines, "\n"))
}

// dashboard opens the board at the hour before the onset, unless the rule has chosen a range itself.
func (t *triage) dashboard(onset time.Time) {
	link := t.out[alert.AnnotationDashboard]
	if !strings.Contains(link, "/d/") || strings.Contains(link, "from=") || strings.Contains(link, "#") || onset.IsZero() {
		return
	}
	sep := "?"
	if strings.Contains(link, "?") {
		sep = "&"
	}
	t.out[alert.AnnotationDashboard] = link + sep + "from=" + strconv.FormatInt(onset.Add(-time.Hour).UnixMilli(), 10) + "&to=now"
}

// seconds is a moment without its fraction: a page is read by people.
func seconds(v float64) time.Time {
	if math.IsInf(v, 0) || math.Abs(v) > 1e11 {
		return time.Time{}
	}
	return time.Unix(int64(math.Floor(v)), 0).UTC()
}

// shortDuration writes a duration with its two largest units.
func shortDuration(d time.Duration) string {
	h, m, s := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case h > 0 && m > 0:
		return fmt.Sprintf("%dh %dm", h, m)
	case h > 0:
		return fmt.Sprintf("%dh", h)
	case m > 0 && s > 0:
		return fmt.Sprintf("%dm %ds", m, s)
	case m > 0:
		return fmt.Sprintf("%dm", m)
	}
	return fmt.Sprintf("%ds", s)
}

// quantity prints the values of one quantity.
type quantity struct{ share bool }

func (q quantity) text(v float64) string {
	if q.share {
		return strconv.FormatFloat(100*v, 'g', 3, 64) + "%"
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// change says how far a value moved: a share in points of a percent and as a factor, a number in its own unit.
func (q quantity) change(was, now float64) string {
	if !q.share {
		return fmt.Sprintf("%+.4g", now-was)
	}
	text := fmt.Sprintf("%+.3g points", 100*(now-was))
	switch ratio := now / was; {
	case was <= 0 || now <= 0 || math.IsInf(ratio, 0):
	case ratio >= 1.1:
		times := strconv.FormatFloat(ratio, 'g', 3, 64)
		if ratio >= 1000 {
			times = strconv.FormatFloat(ratio, 'f', 0, 64)
		}
		text += ", " + times + " times as much"
	case ratio <= .9:
		text += fmt.Sprintf(", %.3g of what it was", ratio)
	}
	return text
}
