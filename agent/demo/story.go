package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/agent/terminal"
	"github.com/plumbline-ml/plumbline/exporters/pagerduty/standin"
	"github.com/plumbline-ml/plumbline/internal/simulator"
)

// chapter is one thing that must happen: an incident of a cause opens.
type chapter struct {
	name   string
	cause  string // group of the incident
	change func(*simulator.Simulator)

	changed  time.Time
	paged    time.Time
	resolved time.Time
	number   int // of the incident
	summary  string
}

// tell plays the chapters in order and waits for both recoveries.
func (s *stage) tell(ctx context.Context, desk *standin.Server) error {
	if err := s.firstScrape(ctx); err != nil {
		return err
	}
	s.began = time.Now()
	chapters := []*chapter{
		{name: "the share of spam doubles, 5 % to 10 %", cause: "drift", change: func(m *simulator.Simulator) { m.SetSpamShare(2 * normalSpam) }},
		{name: "the feature store stalls: domain_rep is served, but no longer refreshed", cause: "stale", change: func(m *simulator.Simulator) { m.StallFeatureStore(true) }},
	}
	s.say("%s         %d seconds of traffic as usual", s.style.Green("NORMAL"), int(quietFor.Seconds()))
	if err := s.quiet(ctx, quietFor); err != nil {
		return err
	}
	s.say("               nobody was paged")
	for _, c := range chapters {
		s.say("%s         %s", s.style.Yellow("CHANGE"), c.name)
		c.changed = time.Now()
		s.order(ctx, c.change)
		if err := s.await(ctx, "a page for cause "+c.cause, func(e event) (bool, error) { return s.opened(e, c, chapters) }); err != nil {
			return err
		}
	}
	s.say("%s       the spam share is back to normal and the feature store refreshes again", s.style.Green("RECOVERY"))
	recovery := time.Now()
	s.order(ctx, func(m *simulator.Simulator) { m.SetSpamShare(normalSpam); m.StallFeatureStore(false) })
	open := len(chapters)
	if err := s.await(ctx, "both incidents to be resolved", func(e event) (bool, error) {
		for _, c := range chapters {
			if e.incident.Number == c.number && e.incident.Status == standin.Resolved && c.resolved.IsZero() {
				c.resolved = e.at
				open--
				s.say("%s       incident #%d (%s) after %s", s.style.Green("RESOLVED"), c.number, c.cause, seconds(e.at.Sub(recovery)))
			}
		}
		return open == 0, s.unexpected(e, chapters)
	}); err != nil {
		return err
	}
	if err := s.quiet(ctx, 3*time.Second); err != nil {
		return err
	}
	return s.sum(desk, chapters)
}

// opened recognises the page that a chapter waits for.
func (s *stage) opened(e event, c *chapter, all []*chapter) (bool, error) {
	if e.incident.Last.Group != c.cause || e.incident.Status != standin.Triggered || c.number != 0 {
		return false, s.unexpected(e, all)
	}
	c.paged, c.number, c.summary = e.at, e.incident.Number, e.incident.Last.Summary
	s.say("%s           %s after the change", s.style.Red("PAGE"), seconds(e.at.Sub(c.changed)))
	page := standin.Render(e.incident)
	if terminal.Is(s.opts.Out) {
		page = standin.RenderColor(e.incident)
	}
	for line := range strings.Lines(page) {
		fmt.Fprint(s.opts.Out, "       ", line)
	}
	return true, nil
}

// unexpected is an error when an event belongs to no chapter, or closes an incident while its fault goes on.
func (s *stage) unexpected(e event, all []*chapter) error {
	for _, c := range all {
		if c.number == e.incident.Number {
			return nil
		}
	}
	return fmt.Errorf("%w: somebody was paged for nothing: incident #%d, %s", errStory, e.incident.Number, e.incident.Last.Summary)
}

// await reads events until one ends the chapter, patience runs out or ctx is done.
func (s *stage) await(ctx context.Context, what string, take func(event) (bool, error)) error {
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timeout.C:
			return fmt.Errorf("%w: waited %s for %s", errStory, patience, what)
		case e := <-s.events:
			if done, err := take(e); done || err != nil {
				return err
			}
		}
	}
}

// quiet waits and fails when anybody is paged meanwhile. Resolves and updates of old incidents are no pages.
func (s *stage) quiet(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timer.C:
			return nil
		case e := <-s.events:
			if e.incident.Status == standin.Triggered {
				return fmt.Errorf("%w: paged while all was quiet: %s", errStory, e.incident.Last.Summary)
			}
		}
	}
}

// firstScrape waits until /metrics says that records are counted.
func (s *stage) firstScrape(ctx context.Context) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		if text, err := s.scrape(ctx); err == nil && strings.Contains(text, "plumbline_records_total{") {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline.C:
			return fmt.Errorf("%w: %s shows no record", errStory, s.metrics)
		case <-tick.C:
		}
	}
}

func (s *stage) scrape(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.metrics, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<20))
	return string(body), err
}

// sum prints what happened and checks the whole of it once more from the stand-in's own books.
func (s *stage) sum(desk *standin.Server, chapters []*chapter) error {
	incidents, history := desk.Incidents(), desk.History()
	rejected := 0
	for _, call := range history {
		if len(call.Errors) > 0 {
			rejected++
		}
	}
	fmt.Fprintln(s.opts.Out)
	var rows [][]string
	for _, c := range chapters {
		rows = append(rows, []string{c.cause, c.name, seconds(c.paged.Sub(c.changed)), fmt.Sprintf("#%d", c.number), s.style.Green("resolved")})
	}
	if err := terminal.Table(s.opts.Out, s.style, []string{"cause", "what changed", ">paged after", ">incident", "now"}, rows); err != nil {
		return err
	}
	fmt.Fprintf(s.opts.Out, "\n%d incidents, %d events sent to PagerDuty, %d of them against its contract.\n", len(incidents), len(history), rejected)
	if len(incidents) != len(chapters) || rejected > 0 || len(desk.Open()) > 0 {
		return fmt.Errorf("%w: want %d incidents, none open, and no rejected event", errStory, len(chapters))
	}
	fmt.Fprintln(s.opts.Out, s.style.Bold("One page for each fault, none without one, and both resolved on evidence."))
	return nil
}

func seconds(d time.Duration) string { return d.Round(100 * time.Millisecond).String() }
