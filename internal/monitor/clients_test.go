package monitor

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

const clientModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts, client: sender}
predictions:
  label: {path: label, positive: spam}
reference: {learn: 20000 records, page_while_learning: true}
volume: off
`

// mails are three a second of twenty thousand senders, one of twenty spam, with a campaign beside them.
type mails struct {
	h   *harness
	rng *rand.Rand
	now time.Time
	n   int
}

func (m *mails) send(sender int, spam bool) {
	label := "ham"
	if spam {
		label = "spam"
	}
	m.h.line(fmt.Appendf(nil, `{"ts":%q,"sender":"s%d@example.net","label":%q}`, m.now.Format(time.RFC3339), sender, label), m.now)
}

// run sends for a while, and so many mails of a campaign a second from so many senders.
func (m *mails) run(d time.Duration, campaign, senders int, each func()) {
	for end := m.now.Add(d); m.now.Before(end); m.now = m.now.Add(time.Second) {
		for range 3 {
			m.send(m.rng.IntN(20000), m.rng.IntN(20) == 0)
		}
		for range campaign {
			m.n++
			m.send(100000+m.n%senders, true)
		}
		m.h.engine.Advance(m.now)
		if each != nil {
			each()
		}
	}
}

func (m *mails) raised(cause string) uint64 { return m.h.in.evidence.raised[cause] }

func newMails(t testing.TB, model string) *mails {
	return &mails{h: newHarness(t, mustModel(t, model)), rng: rand.New(rand.NewPCG(7, 8)), now: start}
}

// TestACampaignOfFewSendersOpensATicketAndManySendersPage: 5,000 mails from 37 senders are 37 facts an hour. The same mails from as many
// senders are a change.
func TestACampaignOfFewSendersOpensATicketAndManySendersPage(t *testing.T) {
	for _, c := range []struct {
		what           string
		model          string
		senders        int
		pages, tickets uint64
	}{
		{"37 senders", clientModel, 37, 0, 1},
		{"thousands of senders", clientModel, 1 << 20, 1, 0},
		{"37 senders and nothing that tells them apart", strings.Replace(clientModel, ", client: sender", "", 1), 37, 1, 0},
	} {
		t.Run(c.what, func(t *testing.T) {
			m := newMails(t, c.model)
			m.run(5*time.Hour, 0, 1, nil)
			if m.raised(causeDrift)+m.raised(causeAbuse) != 0 {
				t.Fatal("an alarm before anything happened")
			}
			tickets := uint64(0)
			m.run(84*time.Minute, 1, c.senders, func() { tickets = max(tickets, m.raised(causeAbuse)) })
			if m.n < 5000 {
				t.Fatalf("%d mails", m.n)
			}
			if m.raised(causeDrift) != c.pages || tickets != c.tickets {
				t.Errorf("%d pages and %d tickets, want %d and %d", m.raised(causeDrift), tickets, c.pages, c.tickets)
			}
			s := m.h.collect()
			if v := value(t, s, "plumbline_budget_spent|m"); v != float64(c.pages) {
				t.Errorf("%v of the budget was spent", v)
			}
			if c.tickets > 0 {
				if value(t, s, "plumbline_ticket|m|label|abuse") != 1 || value(t, s, "plumbline_alarm|m|label|abuse") != 0 || value(t, s, "plumbline_alarm|m|label|drift") != 0 {
					t.Error("the ticket is not published, or something pages")
				}
				m.run(4*time.Hour, 0, 1, nil)
				if value(t, m.h.collect(), "plumbline_ticket|m|label|abuse") != 0 {
					t.Error("the ticket is still open hours after the campaign")
				}
				if v := value(t, m.h.collect(), catalog.Clients.Name+"|m"); v < 8150 || v > 8550 { // 10,800 mails of 20,000 senders: 20,000·(1−exp(−0.54)) = 8345
					t.Errorf("%v clients in an hour", v)
				}
			} else if c.model == clientModel {
				n, all := value(t, s, "plumbline_alarm_effective_records|m|label|drift"), value(t, s, "plumbline_alarm_records|m|label|drift")
				if n < all/2 || n > all*1.5 {
					t.Errorf("%v facts of %v records", n, all)
				}
			}
		})
	}
}

// TestAChangeAtEveryOneOfFewClientsPagesAfterItsTicket: three hundred senders who all change are few facts an hour, and yet a
// change. From one spam in twenty to one in three it pages at once; to one in nine, a ticket comes first.
func TestAChangeAtEveryOneOfFewClientsPagesAfterItsTicket(t *testing.T) {
	for _, c := range []struct {
		oneIn          int
		pages, tickets uint64 // after ten minutes
	}{{3, 1, 0}, {9, 0, 1}} {
		m := newMails(t, clientModel)
		send := func(d time.Duration, oneIn int) {
			for end := m.now.Add(d); m.now.Before(end); m.now = m.now.Add(time.Second) {
				for range 3 {
					m.send(m.rng.IntN(300), m.rng.IntN(oneIn) == 0)
				}
				m.h.engine.Advance(m.now)
			}
		}
		send(5*time.Hour, 20)
		send(10*time.Minute, c.oneIn)
		if m.raised(causeDrift) != c.pages || m.raised(causeAbuse) != c.tickets {
			t.Errorf("one in %d: after ten minutes %d pages and %d tickets, want %d and %d", c.oneIn, m.raised(causeDrift), m.raised(causeAbuse), c.pages, c.tickets)
		}
		send(4*time.Hour, c.oneIn)
		s := m.h.collect()
		if value(t, s, "plumbline_alarm|m|label|drift") != 1 || value(t, s, "plumbline_ticket|m|label|abuse") != 0 || m.raised(causeDrift) != 1 {
			t.Errorf("one in %d: four hours later %d pages, or the ticket is still open", c.oneIn, m.raised(causeDrift))
		}
	}
}

func TestClientsAreSilentWhileNothingHappens(t *testing.T) {
	m := newMails(t, clientModel)
	m.run(20*time.Hour, 0, 1, nil)
	for cause, n := range m.h.in.evidence.raised {
		if n != 0 {
			t.Errorf("%d alarms for %s", n, cause)
		}
	}
}

func TestARunOfClientsWithRestartsEqualsARunWithout(t *testing.T) {
	play := func(restart func() bool) (map[string]catalog.Sample, uint64) {
		m := newMails(t, strings.Replace(clientModel, "client: sender", "client: sender, client_cap: 2", 1))
		m.run(3*time.Hour, 0, 1, nil)
		s := store{}
		n := 0
		m.run(80*time.Minute, 1, 37, func() {
			if n++; n%10 == 0 {
				s.commit(m.h.engine)
				if restart() {
					m.h.restart(s)
				}
			}
		})
		s.commit(m.h.engine)
		for name, data := range s {
			if strings.Contains(string(data), "example.net") {
				t.Errorf("a client stands in section %q", name)
			}
		}
		return m.h.collect(), m.raised(causeAbuse)
	}
	want, tickets := play(func() bool { return false })
	if tickets != 1 {
		t.Errorf("%d tickets: the run shows too little", tickets)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	got, _ := play(func() bool { return rng.IntN(20) == 0 })
	compareSamples(t, got, want)
}

// TestStateWithoutClientsIsTaken: the key is new in the model file, or the state is older.
func TestStateWithoutClientsIsTaken(t *testing.T) {
	m := newMails(t, strings.Replace(clientModel, ", client: sender", "", 1))
	m.run(3*time.Hour, 0, 1, nil)
	s := store{}
	s.commit(m.h.engine)
	h := newHarness(t, mustModel(t, clientModel))
	if err := h.engine.Restore(s.names(), s.get); err != nil || len(h.engine.Forgotten()) > 0 {
		t.Fatal(err, h.engine.Forgotten())
	}
	m.h = h
	m.run(5*time.Hour, 0, 1, nil)
	m.run(84*time.Minute, 1, 37, nil)
	if m.raised(causeAbuse) != 1 || m.raised(causeDrift) != 0 {
		t.Errorf("%d tickets and %d pages", m.raised(causeAbuse), m.raised(causeDrift))
	}
}

func TestClientsAllocateNothingARecordAndAreBounded(t *testing.T) {
	m := newMails(t, clientModel)
	m.run(3*time.Hour, 0, 1, nil)
	line := []byte(fmt.Sprintf(`{"ts":%q,"sender":"somebody","label":"spam"}`, m.now.Format(time.RFC3339)))
	m.h.line(line, m.now)
	if n := testing.AllocsPerRun(1000, func() { m.h.line(line, m.now) }); n != 0 {
		t.Errorf("%v allocations a record", n)
	}
	cl := m.h.in.clients
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 200_000 {
		b := cl.at(int64(1000 + i/1000))
		b.cap.Count(uint64(i) * 0x9e3779b97f4a7c15)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if len(cl.open) > clientSpans || after.HeapAlloc > before.HeapAlloc+512<<10 { // two tables of 164 KiB
		t.Errorf("%d hours, %d bytes more", len(cl.open), after.HeapAlloc-before.HeapAlloc)
	}
}

const clientFeaturesModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts, client: sender}
predictions:
  score: {path: score, kind: probability}
  label: {path: label, positive: spam}
features:
  - {path: size, kind: number}
  - {path: lang, kind: category}
reference: {learn: 20000 records, page_while_learning: true}
volume: off
`

// letter is a mail with a score and features; normal is how they are without a campaign.
type letter struct {
	label, size, lang string
	score             float64
}

func normal(rng *rand.Rand) letter {
	return letter{label: []string{"ham", "spam"}[b2i(rng.IntN(20) == 0)], size: fmt.Sprintf("%.3f", 10+rng.NormFloat64()), lang: []string{"de", "en", "fr"}[rng.IntN(3)], score: rng.Float64() * rng.Float64()}
}

func (m *mails) post(sender int, l letter) {
	m.h.line(fmt.Appendf(nil, `{"ts":%q,"sender":"s%d@example.net","label":%q,"score":%.4f,"size":%s,"lang":%q}`, m.now.Format(time.RFC3339), sender, l.label, l.score, l.size, l.lang), m.now)
}

func (m *mails) posts(d time.Duration, senders int, campaign func(*letter)) {
	for end := m.now.Add(d); m.now.Before(end); m.now = m.now.Add(time.Second) {
		for range 3 {
			m.post(m.rng.IntN(20000), normal(m.rng))
		}
		if campaign != nil {
			m.n++
			l := normal(m.rng)
			campaign(&l)
			m.post(100000+m.n%senders, l)
		}
		m.h.engine.Advance(m.now)
	}
}

var campaigns = []struct {
	feature, cause string // of the page that many senders bring
	change         func(*letter)
}{
	{"score", causeDrift, func(l *letter) { l.score = .7 }},
	{"size", causeDrift, func(l *letter) { l.size = fmt.Sprintf("%.3f", 11.5+l.score) }},
	{"size", causeMissing, func(l *letter) { l.size = "null" }},
	{"lang", causeDrift, func(l *letter) { l.lang = "fr" }},
	{"lang", causeQuality, func(l *letter) { l.lang = "xx" }},
}

// A campaign of 5,000 mails from 37 senders that moves the score, or any feature, in any way, opens a ticket and pages nobody; from as
// many senders it pages.
func TestACampaignThatMovesTheScoreOrAFeatureOpensATicketAndPagesNobody(t *testing.T) {
	for _, c := range campaigns {
		for _, senders := range []int{37, 1 << 20} {
			t.Run(fmt.Sprint(c.feature, " ", c.cause, " ", senders), func(t *testing.T) {
				m := newMails(t, clientFeaturesModel)
				m.posts(3*time.Hour, 1, nil)
				if n := len(m.h.in.evidence.pages) + int(m.raised(causeAbuse)); n != 0 {
					t.Fatalf("%d alarms before anything happened", n)
				}
				m.posts(84*time.Minute, senders, c.change)
				s := m.h.collect()
				few := senders == 37
				if pages := value(t, s, "plumbline_budget_spent|m"); few != (pages == 0) {
					t.Errorf("%v pages", pages)
				}
				if few && m.raised(causeAbuse) == 0 {
					t.Errorf("no ticket was opened")
				}
				if v := value(t, s, "plumbline_alarm|m|"+c.feature+"|"+c.cause); v != float64(b2i(!few)) {
					t.Errorf("the alarm of %s is %v", c.feature, v)
				}
				if few && value(t, s, "plumbline_ticket|m|"+c.feature+"|abuse") != 1 {
					t.Error("the ticket is not about the feature")
				}
				if !few {
					n, all := value(t, s, "plumbline_alarm_effective_records|m|"+c.feature+"|"+c.cause), value(t, s, "plumbline_alarm_records|m|"+c.feature+"|"+c.cause)
					if n < all/2 || n > all*1.5 {
						t.Errorf("%v facts of %v records", n, all)
					}
				}
			})
		}
	}
}

func TestARunOfClientsWithFeaturesAndRestartsEqualsARunWithout(t *testing.T) {
	play := func(restart func() bool) (map[string]catalog.Sample, []string) {
		m := newMails(t, clientFeaturesModel)
		m.posts(2*time.Hour, 1, nil)
		s := store{}
		for i := range 200 {
			m.posts(20*time.Second, 37, func(l *letter) { l.score, l.size = .7, "12.5" })
			s.commit(m.h.engine)
			if i%10 == 3 && restart() {
				m.h.restart(s)
			}
		}
		s.commit(m.h.engine)
		var evidence []string
		for _, st := range m.h.in.evidence.streams {
			evidence = append(evidence, fmt.Sprintln(st.feature, st.stateCause(), st.logEvidence()))
			for _, d := range st.detectors {
				evidence = append(evidence, fmt.Sprintln(d.logEvidence()))
			}
		}
		return m.h.collect(), evidence
	}
	want, evidence := play(func() bool { return false })
	if value(t, want, "plumbline_ticket|m|size|abuse") != 1 {
		t.Error("no ticket: the run shows too little")
	}
	got, again := play(func() bool { return true })
	compareSamples(t, got, want)
	if strings.Join(evidence, "") != strings.Join(again, "") {
		t.Errorf("evidence without restarts\n%v\nand with\n%v", evidence, again)
	}
}
