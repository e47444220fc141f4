package backtest

import (
	"context"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/alerting"
	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/rules"
)

// Verdict is what one rules folder did.
type Verdict struct {
	Alerts  []Alert  `json:"alerts"`
	Pages   int      `json:"pages"`          // notifications for critical alerts that the routes would have sent, one per opened incident
	PerWeek *float64 `json:"pages_per_week"` // null when the log is shorter than a day: that says nothing about weeks
	ByCause []Cause  `json:"pages_by_cause"`
	Notes   []Page   `json:"notifications"`
	LeftOut uint64   `json:"left_out"` // alerts and notifications beyond the bounds on their number
	Score   Score    `json:"score"`
}

// Cause is how many pages one cause made.
type Cause struct {
	Cause   string   `json:"cause"`
	Pages   int      `json:"pages"`
	PerWeek *float64 `json:"pages_per_week"`
}

// Alert is one alert instance from start to end.
type Alert struct {
	Name        string            `json:"alertname"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"starts_at"`
	EndsAt      *time.Time        `json:"ends_at"` // null while it still fires at the end of the log
}

// Page is one incident that would have been opened at a destination.
type Page struct {
	At          time.Time         `json:"at"`       // when it was opened
	PagedAt     *time.Time        `json:"paged_at"` // when it was first told as critical: an incident may open as a warning. Null when it never was
	Since       time.Time         `json:"since"`    // when the first of its alerts began to fire
	ResolvedAt  *time.Time        `json:"resolved_at"`
	Receiver    string            `json:"receiver"`
	Key         string            `json:"key"` // dedup key
	Group       map[string]string `json:"group"`
	Cause       string            `json:"cause"`
	Severity    string            `json:"severity"` // the highest that it reached
	Summary     string            `json:"summary"`
	Description string            `json:"description"`
	Alerts      int               `json:"alerts"` // when it was opened
}

// judge runs one rules folder and the routes over the batches of a replay.
type judge struct {
	rules  *rules.Engine
	pages  *alerting.Dispatcher
	firing map[string]int       // alert key → index into to.Alerts while it fires; leftOut when there was no room
	open   map[string]*incident // by integration and dedup key
	to     Verdict
}

const leftOut = -1

// incident is an opened incident that was not resolved yet.
type incident struct {
	page    int                 // index into to.Notes; leftOut when there was no room
	members map[string]struct{} // keys of its alerts
	quiet   time.Time           // since when none of them fires; zero while one does
}

func newJudge(opts Options, paths []string) (*judge, error) {
	engine, err := newRules(opts, paths)
	if err != nil {
		return nil, err
	}
	pages, err := alerting.New(alerting.Options{RoutesFile: opts.Routes, Node: opts.Node, DryRun: true, Logger: opts.Logger, Default: nobody{}})
	if err != nil {
		_ = engine.Close()
		return nil, err
	}
	return &judge{rules: engine, pages: pages, firing: map[string]int{}, open: map[string]*incident{}, to: Verdict{Alerts: []Alert{}, Notes: []Page{}, ByCause: []Cause{}}}, nil
}

func newRules(opts Options, paths []string) (*rules.Engine, error) {
	o := rules.Options{Packs: len(paths) == 0 || opts.Packs, Logger: opts.Logger, Resend: 24 * time.Hour, ResolvedResend: -1} // nobody is told again in a backtest, so texts need not be made again
	if opts.Node != "" {
		o.ExternalLabels = map[string]string{alert.LabelNode: opts.Node}
	}
	for _, path := range paths {
		if isDir(path) {
			o.Dirs = append(o.Dirs, path)
		} else {
			o.Files = append(o.Files, path)
		}
	}
	return rules.New(o)
}

func (j *judge) close() {
	_ = j.rules.Close() // neither keeps anything on disk
	_ = j.pages.Close()
}

// publish is called with every batch, in order of event time.
func (j *judge) publish(ctx context.Context, b catalog.Batch) error {
	if err := j.rules.Append(b); err != nil {
		return err
	}
	alerts, err := j.rules.Eval(ctx, b.Time)
	if err != nil {
		return err
	}
	for i := range alerts {
		j.record(&alerts[i])
	}
	if err := j.pages.Process(b.Time, alerts); err != nil {
		return err
	}
	for _, n := range j.pages.Tick(b.Time) {
		j.notify(&n)
	}
	j.hush(b.Time)
	return nil
}

func (j *judge) record(a *alert.Alert) {
	key := a.Key()
	i, known := j.firing[key]
	switch {
	case a.State == alert.Firing && known:
		if i != leftOut {
			j.to.Alerts[i].Annotations = a.Annotations
		}
	case a.State == alert.Firing && len(j.to.Alerts) < maxAlerts:
		j.firing[key] = len(j.to.Alerts)
		j.to.Alerts = append(j.to.Alerts, Alert{Name: a.Name(), Labels: a.Labels, Annotations: a.Annotations, StartsAt: a.StartsAt})
	case a.State == alert.Firing:
		j.firing[key] = leftOut
		j.to.LeftOut++
	case a.State == alert.Resolved && known:
		if i != leftOut {
			ends := a.EndsAt
			j.to.Alerts[i].EndsAt = &ends
		}
		delete(j.firing, key)
	}
}

// notify pairs what opens an incident with what closes it.
func (j *judge) notify(n *alerting.Notification) {
	id := n.Integration + "|" + n.Key
	inc := j.open[id]
	switch n.Action {
	case alerting.Trigger:
		if inc != nil {
			j.end(id, inc, n.At)
		}
		inc = &incident{page: leftOut, members: map[string]struct{}{}}
		j.open[id] = inc
		if len(j.to.Notes) == maxPages {
			j.to.LeftOut++
			break
		}
		inc.page = len(j.to.Notes)
		lead := n.Leading()
		cause := n.Common(alert.LabelCause)
		if cause == "" {
			cause = lead.Labels[alert.LabelCause]
		}
		j.to.Notes = append(j.to.Notes, Page{
			At: n.At, Since: n.Since, Receiver: n.Receiver, Key: n.Key, Group: n.GroupLabels, Cause: cause, Severity: n.Severity(),
			Summary: n.Summary(), Description: lead.Annotations["description"], Alerts: len(n.Alerts),
		})
	case alerting.Resolve:
		if inc != nil {
			inc.quiet = n.At
			j.end(id, inc, n.At)
		}
		return
	}
	if inc == nil {
		return
	}
	for i := range n.Alerts {
		inc.members[n.Alerts[i].Key()] = struct{}{}
	}
	if inc.page != leftOut && n.Severity() == alert.SeverityCritical && j.to.Notes[inc.page].PagedAt == nil {
		at := n.At
		j.to.Notes[inc.page].Severity, j.to.Notes[inc.page].PagedAt = alert.SeverityCritical, &at
	}
}

// hush notes since when no alert of an incident fires. A destination with send_resolved: false is never told of the
// end, and at the end of the log group_interval may keep it back; the incident is over all the same.
func (j *judge) hush(now time.Time) {
	for _, inc := range j.open {
		fires := false
		for key := range inc.members {
			if _, fires = j.firing[key]; fires {
				break
			}
		}
		switch {
		case fires:
			inc.quiet = time.Time{}
		case inc.quiet.IsZero():
			inc.quiet = now
		}
	}
}

func (j *judge) end(id string, inc *incident, now time.Time) {
	at := now
	if !inc.quiet.IsZero() {
		at = inc.quiet
	}
	if inc.page != leftOut {
		j.to.Notes[inc.page].ResolvedAt = &at
	}
	delete(j.open, id)
}

// verdict closes the books.
func (j *judge) verdict(log Span, incidents []Span) Verdict {
	for id, inc := range j.open {
		if !inc.quiet.IsZero() {
			j.end(id, inc, inc.quiet)
		}
	}
	v := j.to
	v.count(log)
	v.Score = score("these rules", v.alarms(log.To), log, incidents)
	return v
}

// nobody takes what the built-in routes would send.
type nobody struct{}

func (nobody) Name() string { return "nobody" }

func (nobody) Send(context.Context, alerting.Notification) (alerting.RetryAdvice, error) {
	return alerting.RetryAdvice{}, nil
}
