package alerting

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/pagerduty/standin"
	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/snapshot"
)

const testKey = "0123456789abcdef0123456789abcdef"

// killed is what a kill -9 is in process: everything in memory is gone, what was committed stays.
type killed struct{}

// disk is a state that outlives its Dispatcher. It dies at a chosen commit, before or after it counts.
type disk struct {
	sections map[string][]byte
	pending  map[string][]byte // nil value: removed
	full     bool
	commits  int
	die      func(commit int) (before, after bool)
}

func newDisk() *disk {
	return &disk{sections: map[string][]byte{}, pending: map[string][]byte{}}
}

func (s *disk) Section(name string) ([]byte, bool) { d, ok := s.sections[name]; return d, ok }
func (s *disk) Names() []string                    { return slices.Sorted(maps.Keys(s.sections)) }
func (s *disk) Close() error                       { return nil }

func (s *disk) Commit(changed []snapshot.Section, removed []string) error {
	for _, c := range changed {
		s.pending[c.Name] = slices.Clone(c.Data)
	}
	for _, n := range removed {
		s.pending[n] = nil
	}
	if s.full {
		return errors.New("no space left on device")
	}
	s.commits++
	before, after := false, false
	if s.die != nil {
		before, after = s.die(s.commits)
	}
	if before {
		clear(s.pending)
		panic(killed{})
	}
	for k, v := range s.pending {
		if v == nil {
			delete(s.sections, k)
		} else {
			s.sections[k] = v
		}
	}
	clear(s.pending)
	if after {
		panic(killed{})
	}
	return nil
}

// mortal is a network that kills the process before or after the destination took the call.
type mortal struct {
	next http.RoundTripper
	die  func() (before, after bool)
}

func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	before, after := m.die()
	if before {
		panic(killed{})
	}
	res, err := m.next.RoundTrip(r)
	if after {
		panic(killed{})
	}
	return res, err
}

// world is an agent that can be killed, the rules that feed it and the PagerDuty that listens.
type world struct {
	t      *testing.T
	now    time.Time
	disk   *disk
	pd     *standin.Server
	d      *Dispatcher
	routes string
	net    http.RoundTripper
	kills  int
	// truth is what the rules believe; unsaid is what they have not handed over yet.
	truth  map[string]alert.Alert
	unsaid []alert.Alert
}

const testRoutes = `
route: {receiver: page, group_by: [model, cause], group_wait: 1s, group_interval: 10s, repeat_interval: 4h}
receivers:
  - name: page
    pagerduty_configs: [{routing_key: ` + testKey + `}]
`

func newWorld(t *testing.T) *world {
	w := &world{t: t, now: t0, disk: newDisk(), routes: testRoutes, truth: map[string]alert.Alert{}}
	w.pd = standin.New(standin.Options{Now: func() time.Time { return w.now }, MaxHistory: 1 << 20, MaxIncidents: 1 << 20})
	w.net = w.pd.Transport()
	w.boot()
	return w
}

// boot starts an agent on what is on the disk.
func (w *world) boot() {
	w.t.Helper()
	d, err := New(Options{
		Routes: []byte(w.routes), Node: "node-7", Store: w.disk, HTTPClient: &http.Client{Transport: w.net},
		Now: func() time.Time { return w.now }, Rand: rand.New(rand.NewPCG(3, 4)),
	})
	if err != nil {
		w.t.Fatal(err)
	}
	d.state.seal = sealerOf([]byte(strings.Repeat("k", 32)))
	for _, name := range w.disk.Names() { // sealed targets can be read now that the seal is known
		if strings.HasPrefix(name, incidentPrefix) {
			data, _ := w.disk.Section(name)
			_ = d.decode(name, data)
		}
	}
	d.requeue()
	w.d = d
}

// alive runs f and boots a new agent when it was killed; it says whether f came to its end.
func (w *world) alive(f func()) (done bool) {
	w.t.Helper()
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(killed); !ok {
				panic(p)
			}
			w.kills++
			w.disk.full = false
			w.boot()
		}
	}()
	f()
	return true
}

// say hands what the rules have to say to the agent; they repeat it until it is safe.
func (w *world) say() {
	w.alive(func() {
		if err := w.d.Process(w.now, w.unsaid); err == nil || errors.Is(err, ErrNotSaved) && !w.disk.full {
			w.unsaid = nil
		}
	})
}

func (w *world) fire(labels ...string) {
	a := firing(w.now, labels...)
	w.truth[a.Key()] = a
	w.unsaid = append(w.unsaid, a)
}

func (w *world) end(key string) {
	if a, ok := w.truth[key]; ok {
		delete(w.truth, key)
		w.unsaid = append(w.unsaid, ended(a, w.now))
	}
}

// advance is one evaluation interval.
func (w *world) advance(by time.Duration) {
	w.now = w.now.Add(by)
	w.say()
	w.alive(func() { w.d.Tick(w.now); w.d.Deliver(context.Background(), w.now) })
}

// check compares every incident with the truth.
func (w *world) check() {
	w.t.Helper()
	want := map[string]bool{}
	for _, a := range w.truth {
		want[dedupKey("page", map[string]string{"model": a.Labels["model"], "cause": a.Labels["cause"]}, "node-7", false)] = true
	}
	got := map[string]bool{}
	for _, inc := range w.pd.Open() {
		got[inc.DedupKey] = true
	}
	if !maps.Equal(want, got) {
		w.t.Fatalf("open at PagerDuty: %d, true: %d (%d kills)", len(got), len(want), w.kills)
	}
	for _, c := range w.pd.History() {
		if c.Status == http.StatusBadRequest {
			w.t.Fatalf("refused: %v", c.Errors)
		}
	}
}

func TestTwoHundredKillsAtRandomPointsLeaveEveryIncidentInItsTrueState(t *testing.T) {
	seeds := uint64(4)
	if testing.Short() {
		seeds = 1
	}
	for seed := range seeds {
		w := newWorld(t)
		r := rand.New(rand.NewPCG(seed, 99))
		dying := func() (bool, bool) {
			switch r.IntN(30) {
			case 0:
				return true, false
			case 1:
				return false, true
			}
			return false, false
		}
		calm := false
		w.disk.die = func(int) (bool, bool) {
			if calm {
				return false, false
			}
			return dying()
		}
		w.net = &mortal{next: w.pd.Transport(), die: func() (bool, bool) {
			if calm {
				return false, false
			}
			return dying()
		}}
		w.boot()
		settle := func() { // what was decided last may still wait for group_interval
			calm = true
			for range 4 {
				w.advance(10 * time.Second)
			}
			w.check()
			calm = false
		}
		for w.kills < 200 {
			if r.IntN(8) == 0 {
				settle()
			}
			model := fmt.Sprintf("m%d", r.IntN(5))
			feature := fmt.Sprintf("f%d", r.IntN(3))
			if r.IntN(2) == 0 {
				w.fire("model", model, "feature", feature)
			} else if keys := slices.Sorted(maps.Keys(w.truth)); len(keys) > 0 {
				w.end(keys[r.IntN(len(keys))])
			}
			w.advance(time.Duration(r.IntN(15)) * time.Second)
		}
		settle()
		w.extraTriggers()
	}
}

// extraTriggers holds duplicates against the kills: only a call that was made and not acknowledged on disk may
// be made again.
func (w *world) extraTriggers() {
	w.t.Helper()
	byKey := map[string][]string{}
	for _, c := range w.pd.History() {
		byKey[c.Event.DedupKey] = append(byKey[c.Event.DedupKey], c.Event.Action+" "+c.Event.Summary)
	}
	again := 0
	for _, calls := range byKey {
		for i := 1; i < len(calls); i++ {
			if calls[i] == calls[i-1] {
				again++
			}
		}
	}
	if again > w.kills {
		w.t.Errorf("%d calls were repeated over %d kills", again, w.kills)
	}
}

func TestATriggerThatWasTakenBeforeTheKillIsResolvedWhenTheAlertEndsWhileTheAgentIsDown(t *testing.T) {
	w := newWorld(t)
	dies := true
	w.net = &mortal{next: w.pd.Transport(), die: func() (bool, bool) { defer func() { dies = false }(); return false, dies }}
	w.boot()
	w.fire()
	for w.kills == 0 {
		w.advance(time.Second)
	}
	if w.kills != 1 || len(w.pd.Open()) != 1 {
		t.Fatalf("%d kills, %d open", w.kills, len(w.pd.Open()))
	}
	w.end(slices.Collect(maps.Keys(w.truth))[0])
	w.advance(time.Minute)
	w.advance(time.Minute)
	w.check()
}

func TestAnAlertThatNobodyRepeatsStaysFiringOverARestart(t *testing.T) {
	w := newWorld(t)
	w.fire()
	for range 3 {
		w.advance(time.Second)
	}
	for range 10 {
		w.boot()
		w.advance(time.Hour)
	}
	w.check()
	if n := len(w.d.Active()); n != 1 {
		t.Fatalf("%d active", n)
	}
	for _, c := range w.pd.History() {
		if c.Event.Action == "resolve" {
			t.Fatal("a restart resolved the alert")
		}
	}
}

func TestPagerDutyUnreachableForHalfAnHourWithKillsAndAFullDisk(t *testing.T) {
	w := newWorld(t)
	r := rand.New(rand.NewPCG(5, 6))
	var accepted []string
	up := true
	w.net = roundTripper(func(req *http.Request) (*http.Response, error) {
		if !up {
			return nil, errDown
		}
		return w.pd.Transport().RoundTrip(req)
	})
	w.boot()
	for i := range 20 { // 20 incidents are open before
		w.fire("model", fmt.Sprintf("m%02d", i))
	}
	for range 5 {
		w.advance(time.Second)
	}
	up = false
	began := len(w.pd.History())
	for i := range 30 * 6 {
		switch {
		case i%9 == 4: // 20 kills
			w.kills++
			w.disk.pending = map[string][]byte{}
			w.disk.full = false
			w.boot()
		case i == 60:
			w.disk.full = true
		case i == 66:
			w.disk.full = false
		}
		if i < 100 && r.IntN(2) == 0 {
			w.fire("model", fmt.Sprintf("n%03d", i))
		}
		if keys := slices.Sorted(maps.Keys(w.truth)); i < 150 && len(keys) > 5 && r.IntN(2) == 0 {
			w.end(keys[r.IntN(len(keys))])
		}
		w.advance(10 * time.Second)
	}
	if w.kills < 20 {
		t.Fatalf("%d kills", w.kills)
	}
	if len(w.pd.History()) != began {
		t.Fatal("something got through")
	}
	waiting := w.d.Pending()
	if waiting == 0 || waiting > 200 {
		t.Fatalf("%d wait: one per incident that changed is expected", waiting)
	}
	var order []string
	for inc := range w.d.inOrder {
		order = append(order, inc.Key)
	}
	up = true
	w.advance(2 * time.Minute)
	for _, c := range w.pd.History()[began:] {
		accepted = append(accepted, c.Event.DedupKey)
	}
	if !slices.Equal(accepted, order) {
		t.Errorf("%d delivered, %d waited, not in the order of age", len(accepted), len(order))
	}
	w.advance(time.Minute)
	w.check()
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNoSecretStandsInTheState(t *testing.T) {
	w := newWorld(t)
	w.fire()
	for range 3 {
		w.advance(time.Second)
	}
	if len(w.pd.Open()) != 1 {
		t.Fatal("nothing was sent")
	}
	for name, data := range w.disk.sections {
		if strings.Contains(string(data), testKey) || strings.Contains(name, testKey) {
			t.Errorf("section %s holds the routing key", strings.SplitN(name, "/", 2)[0])
		}
	}
}

func TestDamagedRecordsAreDroppedAndAResolveForAForgottenIncidentStillGoesOut(t *testing.T) {
	w := newWorld(t)
	w.fire()
	for range 3 {
		w.advance(time.Second)
	}
	for name := range w.disk.sections {
		if strings.HasPrefix(name, alertPrefix) || strings.HasPrefix(name, incidentPrefix) {
			w.disk.sections[name] = []byte("{damaged")
		}
	}
	w.boot()
	w.end(slices.Collect(maps.Keys(w.truth))[0])
	w.advance(time.Minute)
	w.check()
}

func FuzzDamagedStateNeverStopsTheStart(f *testing.F) {
	f.Add("incident/x", []byte(`{"seq":1}`))
	f.Add("alert/x", []byte(`{}`))
	f.Add("bucket/x", []byte(`{"calls":["2026-01-01T00:00:00Z"]}`))
	f.Add("silences", []byte(`[{"id":"a","matchers":[{"name":"x","value":"("}]},null]`))
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		s := newDisk()
		s.sections[name] = data
		d, err := New(Options{Store: s, Now: func() time.Time { return t0 }})
		if err != nil {
			t.Fatal(err)
		}
		_ = d.Process(t0, []alert.Alert{firing(t0)})
		d.Tick(t0.Add(time.Minute))
		d.Deliver(t.Context(), t0.Add(time.Minute))
	})
}
