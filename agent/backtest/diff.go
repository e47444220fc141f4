package backtest

import (
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// Diff says how other rules did over the same logs. Two alerts count as the same one when their labels are equal and
// they fire at some time both; two pages when receiver and group are.
type Diff struct {
	Rules     []string `json:"rules"`
	Verdict   Verdict  `json:"verdict"`
	OnlyHere  Only     `json:"only_in_rules"`
	OnlyThere Only     `json:"only_in_diff"`
}

// Only is what one of two rules folders did and the other did not.
type Only struct {
	Alerts []Alert `json:"alerts"`
	Notes  []Page  `json:"notifications"`
}

func newDiff(paths []string, here, there Verdict, end time.Time) *Diff {
	there.Score.Name = "--diff"
	return &Diff{
		Rules: paths, Verdict: there,
		OnlyHere:  Only{Alerts: only(here.Alerts, there.Alerts, alertSpan(end)), Notes: only(here.Notes, there.Notes, pageSpan(end))},
		OnlyThere: Only{Alerts: only(there.Alerts, here.Alerts, alertSpan(end)), Notes: only(there.Notes, here.Notes, pageSpan(end))},
	}
}

// only lists what of a has no counterpart in b: the same identity, at some moment at the same time.
func only[T any](a, b []T, of func(*T) (string, Span)) []T {
	spans := map[string][]Span{}
	for i := range b {
		id, s := of(&b[i])
		spans[id] = append(spans[id], s)
	}
	out := []T{}
next:
	for i := range a {
		id, s := of(&a[i])
		for _, o := range spans[id] {
			if !s.To.Before(o.From) && !o.To.Before(s.From) {
				continue next
			}
		}
		out = append(out, a[i])
	}
	return out
}

func alertSpan(end time.Time) func(*Alert) (string, Span) {
	return func(a *Alert) (string, Span) {
		return alert.KeyOf(a.Labels), lasting(a.StartsAt, a.EndsAt, end)
	}
}

func pageSpan(end time.Time) func(*Page) (string, Span) {
	return func(p *Page) (string, Span) {
		paged := ""
		if p.PagedAt != nil {
			paged = "paged" // the same incident as a ticket is not the same
		}
		return paged + "|" + p.Receiver + "|" + alert.KeyOf(p.Group), lasting(p.At, p.ResolvedAt, end)
	}
}
