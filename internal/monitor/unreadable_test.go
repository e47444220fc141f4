package monitor

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// logPlayer writes a log of two records a second, and unreadable lines between them.
type logPlayer struct {
	h     *harness
	w     *world
	rng   *rand.Rand
	now   time.Time
	saved store // nil: the engine is never restarted
}

func newLogPlayer(t *testing.T) *logPlayer {
	return &logPlayer{
		h: newHarness(t, mustModel(t, scenarioModel)), w: &world{rng: rand.New(rand.NewPCG(2, 9)), spam: .05, constant: "7"},
		rng: rand.New(rand.NewPCG(7, 7)), now: start,
	}
}

func (p *logPlayer) play(d time.Duration, share float64) {
	for i := range int(d / time.Second) {
		for range 2 {
			for p.rng.Float64() < share {
				p.h.in.LineUnreadable()
			}
			p.h.line(p.w.line(p.now), p.now)
			p.now = p.now.Add(time.Second / 2)
		}
		p.h.engine.Advance(p.now)
		if p.saved != nil && i%7 == 0 {
			p.saved.commit(p.h.engine)
			if i%91 == 0 {
				p.h.restart(p.saved)
			}
		}
	}
}

// alarm is the stream of the log's lines when it is in alarm, or nil.
func (p *logPlayer) alarm(t *testing.T) *stream {
	t.Helper()
	for _, s := range p.h.in.evidence.streams {
		if s.feature == unreadableFeature {
			if s.alarm == nil {
				return nil
			}
			return s
		}
	}
	t.Fatal("there is no stream of the log's lines")
	return nil
}

func TestLinesThatCannotBeReadPageOutOfTheBudget(t *testing.T) {
	p := newLogPlayer(t)
	p.play(90*time.Minute, .01)
	if s := p.alarm(t); s != nil || !p.h.in.unreadable.known {
		t.Fatalf("after an hour and a half of 1 %%: %+v, %+v", s, p.h.in.unreadable)
	}
	p.play(10*time.Minute, .3)
	s := p.alarm(t)
	if s == nil {
		t.Fatal("ten minutes in which a third of the lines is unreadable page nobody")
	}
	told := s.alarm.told[0]
	if s.alarm.ticket || s.cause != causeQuality || told.what != "share of unreadable lines" || told.expected > .02 || told.seen < .2 || told.seen > .4 {
		t.Errorf("%+v", s.alarm)
	}
	samples := p.h.collect()
	if value(t, samples, "plumbline_alarm|m|"+unreadableFeature+"|quality") != 1 {
		t.Error("the alarm is not published")
	}
	p.play(time.Hour, .01)
	if p.alarm(t) != nil {
		t.Error("it stands an hour after the lines are readable again")
	}
}

func TestLinesThatCannotBeReadPageNobodyWhenThatIsUsualOrLittle(t *testing.T) {
	for _, c := range []struct {
		name          string
		usual, after  float64
		burst, expect int
	}{
		{"four in a hundred where there was one", .01, .04, 0, 0},
		{"a log that is half something else", .45, .5, 0, 0},
		{"a start that prints a thousand lines", 0, 0, 1000, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newLogPlayer(t)
			p.play(80*time.Minute, c.usual)
			for range c.burst {
				p.h.in.LineUnreadable()
			}
			p.play(2*time.Hour, c.after)
			if s := p.alarm(t); s != nil || p.h.in.evidence.raised[causeQuality] > 0 {
				t.Errorf("%+v", p.h.in.evidence.raised)
			}
		})
	}
}

// What the lines have told stands in state: with restarts, alarm and evidence are those of a run without.
func TestUnreadableLinesCountOnceOverRestarts(t *testing.T) {
	var runs []map[string]float64
	for _, restarts := range []bool{false, true} {
		p := newLogPlayer(t)
		if restarts {
			p.saved = store{}
			p.saved.commit(p.h.engine)
		}
		p.play(70*time.Minute, .02)
		p.play(4*time.Minute, .3)
		u := p.h.in.unreadable
		got := map[string]float64{"bad": float64(u.bad), "lines": float64(u.lines), "bucket": float64(u.bucket), "waiting": float64(u.waiting)}
		for _, s := range p.h.in.evidence.streams {
			if s.feature == unreadableFeature {
				got["evidence"] = s.logEvidence()
			}
		}
		for _, pane := range p.h.in.panes.open {
			got[fmt.Sprint("pane ", pane.index)] = float64(pane.unreadable)
		}
		runs = append(runs, got)
	}
	if !maps.Equal(runs[0], runs[1]) || runs[0]["evidence"] <= 0 {
		t.Errorf("without restarts %v\nwith %v", runs[0], runs[1])
	}
}

func TestLinesBeforeTheFirstRecordWaitForIt(t *testing.T) {
	p := newLogPlayer(t)
	for range 5 {
		p.h.in.LineUnreadable()
	}
	s := store{}
	s.commit(p.h.engine)
	p.h.restart(s)
	p.h.line(p.w.line(p.now), p.now)
	if n := p.h.in.panes.open[0].unreadable; n != 5 {
		t.Errorf("%d lines with the first record, want 5", n)
	}
	// A model that reads no log has no such stream.
	m := *mustModel(t, scenarioModel)
	m.Logs.Include = nil
	h := newHarness(t, &m)
	h.in.LineUnreadable()
	if slices.ContainsFunc(h.in.evidence.streams, func(s *stream) bool { return s.feature == unreadableFeature }) {
		t.Error("a model that gets records by the network watches lines")
	}
}
