package soak

import (
	"context"
	"fmt"
	"math"
	"time"
)

const (
	patience = 60 * time.Second        // without any progress the agent has not caught up
	settle   = 2500 * time.Millisecond // after the last line, for what would be counted twice
)

// Log is one log in the report.
type Log struct {
	Model                     string
	Written, Counted, Exposed int64
	Differences               []string // sums that do not match
}

// Lost and Doubled are the difference of the counts; a loss and a doubling at once show in Differences.
func (l Log) Lost() int64 { return max(0, l.Written-l.Counted) }

// Doubled is how many records were counted too many.
func (l Log) Doubled() int64 { return max(0, l.Counted-l.Written) }

// compare asks the agent's newest metrics for what a log must have come to.
func (s *stream) compare(m *scraper) Log {
	model := `model="` + s.model + `"`
	l := Log{Model: s.model, Written: s.records.Load(), Counted: int64(m.sum("plumbline_records_total", model)), Exposed: s.exposed}
	values := l.Written
	if s.plain {
		values = l.Counted // exposed lines may be lost; they add nothing to the sums
	}
	for k, f := range features {
		if got := m.sum("plumbline_feature_value_sum", model, `feature="`+f.name+`"`); got != float64(s.sums[k]) {
			l.Differences = append(l.Differences, fmt.Sprintf("%s: sum of %s is %.0f, written %d", s.model, f.name, got, s.sums[k]))
		}
		if got := m.sum("plumbline_feature_value_count", model, `feature="`+f.name+`"`); got != float64(values) {
			l.Differences = append(l.Differences, fmt.Sprintf("%s: %.0f values of %s, want %d", s.model, got, f.name, values))
		}
	}
	return l
}

// compare looks at everything that must match, as of the newest scrape.
func (a *arena) compare() (logs []Log, gap int64, problems []string) {
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	m := a.scraper
	gap = int64(m.sum("plumbline_tail_gap_bytes_total"))
	var lines, malformed, oversize, lost, exposed int64
	for _, s := range a.streams {
		l := s.compare(m)
		logs = append(logs, l)
		lines += s.lines
		malformed += s.malformed
		oversize += s.oversize
		if s.plain {
			lost += l.Written - l.Counted
			exposed += l.Exposed
		} else if l.Written != l.Counted {
			wrong("%s: %d records written, %d counted", s.model, l.Written, l.Counted)
		}
		problems = append(problems, l.Differences...)
	}
	if lost < 0 || lost > exposed {
		wrong("race: %d records lost, want 0 to %d, which were written between copy and truncation", lost, exposed)
	}
	// Bytes that came and went between two looks of the agent were seen by nobody and cannot be counted. What is counted
	// as lost must be lost.
	if gap < 0 || gap > lost*lineBytes {
		wrong("%d bytes of gap counted, want at most the %d of %d lost lines", gap, lost*lineBytes, lost)
	}
	if got := int64(m.sum("plumbline_tail_lines_total")); got != lines-lost {
		wrong("%d lines counted, want %d", got, lines-lost)
	}
	if got := int64(m.sum("plumbline_parse_errors_total") + m.sum("plumbline_lines_ignored_total")); got != malformed {
		wrong("%d malformed lines counted, want %d", got, malformed)
	}
	if got := int64(m.sum("plumbline_tail_oversize_lines_total")); got != oversize {
		wrong("%d oversize lines counted, want %d", got, oversize)
	}
	if v := m.sum("plumbline_config_last_reload_successful"); v != 1 {
		wrong("the last reload of a repaired file was not taken (plumbline_config_last_reload_successful is %v)", v)
	}
	return logs, gap, problems
}

// delivered says what is still on its way to the pager.
func (a *arena) delivered() bool {
	return a.scraper.sum("plumbline_notifications_pending") == 0
}

// catchUp waits until everything matches and stays so, or nothing moves any more.
func (a *arena) catchUp(ctx context.Context) time.Duration {
	began := time.Now()
	moved, last := began, -1.0
	var good time.Time
	each(ctx, 100*time.Millisecond, func() bool {
		_, _, problems := a.compare()
		now := time.Now()
		if len(problems) > 0 || !a.delivered() {
			good = time.Time{}
		} else if good.IsZero() {
			good = now
		}
		if v := a.scraper.sum("plumbline_tail_lines_total"); v != last {
			moved, last = now, v
		}
		return (good.IsZero() || now.Sub(good) < settle) && now.Sub(moved) < patience
	})
	return time.Since(began)
}

// judge puts the report together.
func (a *arena) judge(caughtUp time.Duration) *Report {
	r := &Report{Seed: a.opts.Seed, Took: time.Since(a.began), CaughtUp: caughtUp, Events: a.events.copy(), Skipped: a.skipped, Growth: a.watcher.growth()}
	r.Logs, r.GapBytes, r.Problems = a.compare()
	r.Scrapes = a.scraper.seen()
	series, examples, again := a.scraper.backwards()
	r.BeganAgain = again
	for _, n := range series {
		r.Regressions += n
	}
	if r.Regressions > 0 {
		r.Problems = append(r.Problems, fmt.Sprintf("%d times a counter went backwards, in %d series", r.Regressions, len(series)))
		r.Problems = append(r.Problems, examples...)
	}
	crashes, endings := a.agent.crashed()
	if r.Crashes = crashes; crashes > 0 {
		r.Problems = append(r.Problems, fmt.Sprintf("the agent ended by itself %d times", crashes))
		r.Problems = append(r.Problems, endings...)
	}
	for _, g := range r.Growth {
		if !g.Flat() {
			r.Problems = append(r.Problems, fmt.Sprintf("%s grew from %.1f to %.1f, allowed %.1f", g.What, g.First, g.Second, g.Allowed))
		}
	}
	if !a.delivered() {
		r.Problems = append(r.Problems, fmt.Sprintf("%.0f notifications are still pending", a.scraper.sum("plumbline_notifications_pending")))
	}
	r.Calls, r.Refused = a.pager.calls()
	if r.Refused > 0 {
		r.Problems = append(r.Problems, fmt.Sprintf("%d calls broke the contract of PagerDuty", r.Refused))
	}
	if full := r.Events["disk of the state full"]; full > 0 && r.Events["disk full noticed"] == 0 {
		r.Problems = append(r.Problems, "the disk was full and plumbline_state_save_errors_total did not rise")
	}
	if math.IsNaN(a.scraper.sum("plumbline_records_total")) || r.Scrapes == 0 {
		r.Problems = append(r.Problems, "the agent was never scraped")
	}
	return r
}
