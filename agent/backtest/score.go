package backtest

import (
	"cmp"
	"slices"
	"time"
)

// Span is a stretch of event time.
type Span struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
}

func (s Span) overlaps(o Span) bool { return s.From.Before(o.To) && o.From.Before(s.To) }

// Score is how rules did, by measures that a rule which always fires and one which never does can be held against.
type Score struct {
	Name      string   `json:"name"`
	Pages     int      `json:"pages"`
	AlarmTime float64  `json:"alarm_time"`        // share of the log's time in which a page was open
	Covered   *int     `json:"incidents_covered"` // known incidents in which a page was open; null when none is known, as are the next two
	False     *int     `json:"false_pages"`       // pages that were open in no known incident
	F1        *float64 `json:"f1"`                // over time: the harmonic mean of the share of alarm time that is incident and the share of incident time that is alarm
}

// baselines are the scores of rules that know nothing: whoever does not beat both of them is not worth having.
func baselines(log Span, incidents []Span) []Score {
	return []Score{score("never fires", nil, log, incidents), score("always fires", []Span{log}, log, incidents)}
}

func score(name string, alarms []Span, log Span, incidents []Span) Score {
	s := Score{Name: name, Pages: len(alarms)}
	alarmed := length(clip(alarms, log))
	if whole := log.To.Sub(log.From); whole > 0 {
		s.AlarmTime = float64(alarmed) / float64(whole)
	}
	if len(incidents) == 0 {
		return s
	}
	var covered, wrong int
	for _, i := range incidents {
		if slices.ContainsFunc(alarms, i.overlaps) {
			covered++
		}
	}
	for _, a := range alarms {
		if !slices.ContainsFunc(incidents, a.overlaps) {
			wrong++
		}
	}
	wanted := length(clip(incidents, log))
	var both []Span
	for _, i := range clip(incidents, log) {
		both = append(both, clip(alarms, i)...)
	}
	f1 := 0.0
	if alarmed+wanted > 0 {
		f1 = 2 * float64(length(both)) / float64(alarmed+wanted)
	}
	s.Covered, s.False, s.F1 = &covered, &wrong, &f1
	return s
}

// clip cuts spans to what lies within another.
func clip(spans []Span, within Span) []Span {
	var out []Span
	for _, s := range spans {
		if s.From.Before(within.From) {
			s.From = within.From
		}
		if s.To.After(within.To) {
			s.To = within.To
		}
		if s.From.Before(s.To) {
			out = append(out, s)
		}
	}
	return out
}

// length is how long the spans last together; what several of them share counts once.
func length(spans []Span) time.Duration {
	spans = slices.Clone(spans)
	slices.SortFunc(spans, func(a, b Span) int { return a.From.Compare(b.From) })
	var sum time.Duration
	var end time.Time
	for _, s := range spans {
		if s.From.Before(end) {
			s.From = end
		}
		if s.To.After(s.From) {
			sum += s.To.Sub(s.From)
			end = s.To
		}
	}
	return sum
}

// alarms are the stretches in which a page was open; one that was not resolved lasts to the end of the log.
func (v *Verdict) alarms(end time.Time) []Span {
	var out []Span
	for i := range v.Notes {
		if p := &v.Notes[i]; p.PagedAt != nil {
			out = append(out, lasting(*p.PagedAt, p.ResolvedAt, end))
		}
	}
	return out
}

// lasting is the span of something that may not have ended. The last evaluation lies behind the last record, so what
// begins then is a moment.
func lasting(from time.Time, to *time.Time, end time.Time) Span {
	switch {
	case to != nil:
		return Span{From: from, To: *to}
	case end.Before(from):
		return Span{From: from, To: from}
	}
	return Span{From: from, To: end}
}

// count fills in the numbers of pages, by cause.
func (v *Verdict) count(log Span) {
	by := map[string]int{}
	for i := range v.Notes {
		if v.Notes[i].PagedAt != nil {
			v.Pages++
			by[v.Notes[i].Cause]++
		}
	}
	v.PerWeek = perWeek(v.Pages, log)
	for cause, n := range by {
		v.ByCause = append(v.ByCause, Cause{Cause: cause, Pages: n, PerWeek: perWeek(n, log)})
	}
	slices.SortFunc(v.ByCause, func(a, b Cause) int { return cmp.Or(b.Pages-a.Pages, cmp.Compare(a.Cause, b.Cause)) })
}

func perWeek(pages int, log Span) *float64 {
	span := log.To.Sub(log.From)
	if span < 24*time.Hour {
		return nil
	}
	rate := float64(pages) / (span.Hours() / (24 * 7))
	return &rate
}
