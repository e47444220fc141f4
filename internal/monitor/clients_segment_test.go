package monitor

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

const clientSegments = clientModel + "segments: [{path: country, values: [LI]}]\n"

// campaign is mail of a country in which one of six mails is sent, with a campaign in it from so many senders: one more spam every three
// seconds, and every so many seconds a mail without a label.
type campaign struct {
	h    *harness
	rng  *rand.Rand
	now  time.Time
	sent int
}

func newCampaign(t testing.TB, model string) *campaign {
	return &campaign{h: newHarness(t, mustModel(t, model)), rng: rand.New(rand.NewPCG(9, 9)), now: start}
}

func (c *campaign) send(sender int, country string, spam float64) {
	label := "ham"
	if c.rng.Float64() < spam {
		label = "spam"
	}
	c.h.line(fmt.Appendf(nil, `{"ts":%q,"sender":"s%d@example.net","country":%q,"label":%q}`, c.now.Format(time.RFC3339), sender, country, label), c.now)
}

func (c *campaign) run(d time.Duration, senders int) {
	for end := c.now.Add(d); c.now.Before(end); c.now = c.now.Add(time.Second) {
		for range 3 {
			country := "CH"
			if c.rng.IntN(6) == 0 {
				country = "LI"
			}
			c.send(c.rng.IntN(20000), country, .05)
		}
		if senders > 0 && c.now.Unix()%3 == 0 {
			c.sent++
			c.send(100000+c.sent%senders, "LI", 1)
		}
		c.h.engine.Advance(c.now)
	}
}

// 5,000 mails from 37 senders into one segment are 37 facts an hour there, too.
func TestACampaignOfFewSendersIntoOneSegmentDoesNotPage(t *testing.T) {
	for _, x := range []struct {
		what, model string
		senders     int
		pages       bool
	}{
		{"37 senders", clientSegments, 37, false},
		{"thousands of senders", clientSegments, 1 << 20, true},
		{"37 senders and nothing that tells them apart", strings.Replace(clientSegments, ", client: sender", "", 1), 37, true},
	} {
		t.Run(x.what, func(t *testing.T) {
			c := newCampaign(t, x.model)
			c.run(5*time.Hour, 0)
			if n := c.h.in.evidence.raised[causeSegment]; n != 0 {
				t.Fatalf("%d pages before anything happened", n)
			}
			c.run(250*time.Minute, x.senders)
			if c.sent < 5000 {
				t.Fatalf("%d mails of the campaign", c.sent)
			}
			raised := c.h.in.evidence.raised
			if pages := raised[causeSegment] + raised[causeDrift]; pages > 0 != x.pages {
				t.Errorf("%d pages of the segment, %d of the whole", raised[causeSegment], raised[causeDrift])
			}
			if !x.pages && raised[causeAbuse] == 0 {
				t.Error("no ticket says that few clients did it")
			}
		})
	}
}

// A small segment moves and the whole does not: the ticket names the segment, and closes when the campaign is over. When it goes on with
// ever new senders, the segment pages after all.
func TestACampaignOfFewSendersIntoASmallSegmentOpensATicketForIt(t *testing.T) {
	c := newCampaign(t, clientSegments)
	run := func(hours int, senders func() int) {
		for end := c.now.Add(time.Duration(hours) * time.Hour); c.now.Before(end); c.now = c.now.Add(time.Second) {
			for range 3 {
				c.send(c.rng.IntN(20000), map[bool]string{true: "LI", false: "CH"}[c.rng.IntN(50) == 0], .05)
			}
			if c.now.Unix()%60 == 0 && senders != nil {
				c.send(senders(), "LI", 1)
			}
			c.h.engine.Advance(c.now)
		}
	}
	raised := func(cause string) uint64 { return c.h.in.evidence.raised[cause] }
	const ticket = "plumbline_ticket|m|label|abuse|country=LI"
	run(10, nil)
	run(6, func() int { c.sent++; return 100_000 + c.sent%3 })
	if raised(causeAbuse) != 1 || raised(causeSegment)+raised(causeDrift) != 0 || value(t, c.h.collect(), ticket) != 1 {
		t.Errorf("%d tickets, %d pages", raised(causeAbuse), raised(causeSegment)+raised(causeDrift))
	}
	sections := store{}
	sections.commit(c.h.engine)
	again := newCampaign(t, clientSegments)
	if err := again.h.engine.Restore(sections.names(), sections.get); err != nil || value(t, again.h.collect(), ticket) != 1 {
		t.Errorf("the ticket does not survive a restart (%v)", err)
	}
	run(24, nil)
	if value(t, c.h.collect(), ticket) != 0 {
		t.Error("the ticket is still open a day after the campaign")
	}
	run(2, func() int { c.sent++; return 100_000 + c.sent%3 })
	run(24, func() int { c.sent++; return 200_000 + c.sent })
	if raised(causeSegment) != 1 || value(t, c.h.collect(), "plumbline_alarm|m|label|segment|country=LI") != 1 {
		t.Errorf("%d tickets, %d pages of the segment though ever new senders go on", raised(causeAbuse), raised(causeSegment))
	}
}

// What a segment has of facts is in its state: a restart in the middle of a campaign changes nothing.
func TestTheFactsOfASegmentSurviveARestart(t *testing.T) {
	c := newCampaign(t, clientSegments)
	c.run(5*time.Hour, 0)
	c.run(20*time.Minute+17*time.Second, 400)
	whole := c.h.in.evidence.streams
	sections := store{}
	sections.commit(c.h.engine)
	again := newCampaign(t, clientSegments)
	if err := again.h.engine.Restore(sections.names(), sections.get); err != nil || len(again.h.engine.Forgotten()) > 0 {
		t.Fatalf("%v, forgotten: %v", err, again.h.engine.Forgotten())
	}
	for i, s := range again.h.in.evidence.streams {
		if got, want := s.logEvidence(), whole[i].logEvidence(); got != want {
			t.Errorf("%s %s: %v, want %v", s.cause, s.segment, got, want)
		}
	}
	if a, b := again.h.in.cuts[0], c.h.in.cuts[0]; b.facts == 0 || !slices.Equal(a.bucket.n, b.bucket.n) || !slices.Equal(a.total.n, b.total.n) {
		t.Error("what a segment has of facts is not that of before")
	}
}

// A campaign whose numbers go together as no other's do moves no column. 37 senders are no change of the vector, either.
func TestACampaignOfFewSendersIsNoChangeOfTheVector(t *testing.T) {
	const model = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts, client: sender}
features: [{path: a, kind: number}, {path: b, kind: number}]
reference: {learn: 5000 records, page_while_learning: true}
multivariate: true
volume: off
`
	for _, x := range []struct {
		what, model string
		senders     int
		pages       bool
	}{
		{"37 senders", model, 37, false},
		{"thousands of senders", model, 1 << 20, true},
		{"37 senders and nothing that tells them apart", strings.Replace(model, ", client: sender", "", 1), 37, true},
	} {
		t.Run(x.what, func(t *testing.T) {
			c := newCampaign(t, x.model)
			send := func(sender int, r float64) {
				a := c.rng.NormFloat64()
				b := r*a + math.Sqrt(1-r*r)*c.rng.NormFloat64()
				c.h.line(fmt.Appendf(nil, `{"ts":%q,"sender":"s%d@example.net","a":%.4f,"b":%.4f}`, c.now.Format(time.RFC3339), sender, a, b), c.now)
			}
			for second := range 9 * 3600 {
				for range 2 {
					send(c.rng.IntN(100_000), .8)
				}
				if second > 4*3600 {
					c.sent++
					send(200_000+c.sent%x.senders, -.8)
				}
				c.now = c.now.Add(time.Second)
				c.h.engine.Advance(c.now)
			}
			if pages := c.h.in.evidence.raised[causeDrift]; pages > 0 != x.pages {
				t.Errorf("%d pages", pages)
			}
		})
	}
}
