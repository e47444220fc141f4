package monitor

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// senders gives the records of a week their senders, and adds a campaign: a mail each second, spam of a high score.
type senders struct {
	*week
	h *harness
}

// run plays so much time, with a campaign of so many senders unless it is 0, and returns what paged and what opened a ticket.
func (w *senders) run(from time.Time, d time.Duration, campaign int) (pages, tickets []string) {
	known := map[*alarm]bool{}
	n := 0
	for at := from; at.Before(from.Add(d)); at = at.Add(5 * time.Minute) {
		var lines [][]byte
		var times []time.Time
		w.records(at, func(line []byte, t time.Time) {
			lines, times = append(lines, fmt.Appendf(bytes.Clone(line[:len(line)-1]), `,"sender":"s%d"}`, w.rng.IntN(20000))), append(times, t)
		})
		for i := range 300 * b2i(campaign > 0) {
			n++
			t := at.Add(time.Duration(i) * time.Second)
			lines = append(lines, fmt.Appendf(nil, `{"ts":%q,"score":0.75,"label":"spam","size":%.2f,"country":"DE","sender":"c%d"}`, t.Format(time.RFC3339), 12+w.rng.NormFloat64(), n%campaign))
			times = append(times, t)
		}
		for i, line := range lines {
			w.h.line(line, times[i])
		}
		w.h.engine.Advance(at.Add(5 * time.Minute))
		for _, s := range w.h.in.evidence.streams {
			if s.alarm == nil || known[s.alarm] {
				continue
			}
			known[s.alarm] = true
			if what := s.feature + "/" + s.alarm.cause; s.alarm.ticket {
				tickets = append(tickets, what)
			} else {
				pages = append(pages, what)
			}
		}
	}
	return pages, tickets
}

// A campaign of few senders is a ticket and no page, one of many a page, also where the reference knows the time of the week.
func TestClientsAreCountedAgainstTheTimeOfTheWeek(t *testing.T) {
	w := &senders{week: &week{rng: rand.New(rand.NewPCG(7, 3)), minute: 12, odds: 1}}
	file := buildWeeks(t, w.week, 28, "").File
	text := strings.NewReplacer("timestamp: ts", "timestamp: ts, client: sender", "REFERENCE", "file: ref.json").Replace(weekModel) + "volume: off\n"
	m, err := ParseModel(filepath.Join(filepath.Dir(file), "clients.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, campaign := range []int{37, 1 << 20} {
		w.h = newHarness(t, m)
		from := monday.AddDate(0, 0, 28)
		if pages, tickets := w.run(from, 36*time.Hour, 0); len(pages)+len(tickets) > 0 {
			t.Fatalf("before anything happened: %v %v", pages, tickets)
		}
		if c := w.h.in.label; c.season == nil || c.facts == nil {
			t.Fatal("the label has no season, or no facts")
		}
		pages, tickets := w.run(from.Add(36*time.Hour), 85*time.Minute, campaign)
		switch {
		case campaign == 37 && (len(pages) > 0 || !slices.Contains(tickets, "score/abuse") || !slices.Contains(tickets, "size/abuse")):
			t.Errorf("few senders: pages %v, tickets %v", pages, tickets)
		case campaign > 37 && !slices.Contains(pages, "score/drift") && !slices.Contains(pages, "label/drift"):
			t.Errorf("many senders: pages %v, tickets %v", pages, tickets)
		}
	}
}

// The same with a reference that rolls, and with its anchor.
func TestClientsAreCountedAgainstARollingReferenceAndItsAnchor(t *testing.T) {
	for _, campaign := range []int{37, 1 << 20} {
		m := newMails(t, strings.Replace(clientFeaturesModel, "learn: 20000 records", "rolling: 3d", 1))
		run := func(d time.Duration, campaign int) {
			for end := m.now.Add(d); m.now.Before(end); m.now = m.now.Add(5 * time.Second) {
				m.post(m.rng.IntN(20000), normal(m.rng))
				for range 5 * b2i(campaign > 0) {
					m.n++
					l := normal(m.rng)
					l.score, l.size = .7, fmt.Sprintf("%.3f", 12+m.rng.NormFloat64())
					m.post(100000+m.n%campaign, l)
				}
				m.h.engine.Advance(m.now)
			}
		}
		run(100*time.Hour, 0)
		if m.h.in.label.anchor == nil || !m.h.in.label.watched {
			t.Fatal("there is no anchor yet")
		}
		kinds := ""
		for _, d := range driftOf(t, m.h.in, "size").detectors {
			switch d := d.(type) {
			case *setsDetector:
				kinds += fmt.Sprint("bins ", d.fixed, d.capped != nil, " ")
			case *stepsDetector:
				kinds += fmt.Sprint("mean ", d.fixed, d.capped != nil, " ")
			}
		}
		if kinds != "bins false true mean false true bins true true mean true true " {
			t.Errorf("a number against a rolling reference and its anchor is watched by %s", kinds)
		}
		if n := len(m.h.in.evidence.pages) + int(m.raised(causeAbuse)); n > 0 {
			t.Fatalf("%d alarms before the campaign: %v", n, m.h.in.evidence.raised)
		}
		run(84*time.Minute, campaign)
		if few := campaign == 37; few != (len(m.h.in.evidence.pages) == 0) || few && m.raised(causeAbuse) == 0 {
			t.Errorf("%d senders: %d pages, raised %v", campaign, len(m.h.in.evidence.pages), m.h.in.evidence.raised)
		}
	}
}

// A new version starts the reference over: clients of the open hour go on to count once, and a campaign after it is a ticket as before.
func TestClientsOutliveANewReference(t *testing.T) {
	text := strings.NewReplacer("client: sender", "client: sender, version: v", "page_while_learning: true", "page_while_learning: true, on_new_version: learn").Replace(clientFeaturesModel)
	m := newMails(t, text)
	version := "v1"
	run := func(d time.Duration, campaign bool) {
		for end := m.now.Add(d); m.now.Before(end); m.now = m.now.Add(time.Second) {
			for i := range 4 {
				l, sender := normal(m.rng), m.rng.IntN(20000)
				if i == 3 {
					if !campaign {
						continue
					}
					m.n++
					l.score, l.size, sender = .7, fmt.Sprintf("%.3f", 12+m.rng.NormFloat64()), 100000+m.n%37
				}
				m.h.line(fmt.Appendf(nil, `{"ts":%q,"v":%q,"sender":"s%d","label":%q,"score":%.4f,"size":%s,"lang":%q}`, m.now.Format(time.RFC3339), version, sender, l.label, l.score, l.size, l.lang), m.now)
			}
			m.h.engine.Advance(m.now)
		}
	}
	run(150*time.Minute, false)
	version = "v2"
	run(20*time.Minute, false)
	if n := m.h.in.rebase.times; n != 1 {
		t.Fatalf("the reference was started over %d times", n)
	}
	cl := m.h.in.clients
	if len(cl.open) == 0 || cl.distinct == 0 || cl.open[len(cl.open)-1].seen.Estimate() < 1000 {
		t.Errorf("the clients of the open hour are forgotten: %d hours, %v before", len(cl.open), cl.distinct)
	}
	run(3*time.Hour, false)
	if m.h.in.label.base == nil {
		t.Fatal("the new reference was not learned")
	}
	if n := len(m.h.in.evidence.pages) + int(m.raised(causeAbuse)); n > 0 {
		t.Fatalf("%d alarms before the campaign: %v", n, m.h.in.evidence.raised)
	}
	s := store{}
	s.commit(m.h.engine)
	m.h.restart(s)
	run(84*time.Minute, true)
	if n := len(m.h.in.evidence.pages); n > 0 || m.raised(causeAbuse) == 0 {
		t.Errorf("%d pages, raised %v", n, m.h.in.evidence.raised)
	}
}
