package monitor

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

const entityModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts, entity: user}
features:
  - {path: rep, kind: number}
  - {path: age, kind: number}
  - {path: country, kind: category}
reference: {learn: 6000 records, page_while_learning: true}
`

// TestAStoreThatStopsIsNoticedThoughTheDistributionStays: each of two hundred users has a reputation that changes every few
// minutes. When the store stops, every user keeps his own, so that neither the distribution nor the repeats from one record
// to the next show anything. The country of a user never changes, and age is drawn anew for each record.
func TestAStoreThatStopsIsNoticedThoughTheDistributionStays(t *testing.T) {
	for _, c := range []struct {
		fields string
		stops  bool
		want   uint64
	}{{"entity: user", true, 1}, {"entity: user", false, 0}, {"version: v", true, 0}} {
		m := mustModel(t, entityModel)
		if c.fields != "entity: user" {
			m.Entity = ""
		}
		h := newHarness(t, m)
		rng := rand.New(rand.NewPCG(2, 3))
		rep := [200]float64{}
		for i := range rep {
			rep[i] = rng.Float64()
		}
		now := start
		run := func(d time.Duration, stopped bool) {
			for end := now.Add(d); now.Before(end); now = now.Add(time.Second) {
				for range 2 {
					u := rng.IntN(len(rep))
					if !stopped && rng.Float64() < .3 {
						rep[u] = rng.Float64()
					}
					h.line(fmt.Appendf(nil, `{"ts":%q,"user":"u%d","rep":%.4f,"age":%.3f,"country":"c%d"}`, now.Format(time.RFC3339), u, rep[u], rng.NormFloat64(), u%4), now)
				}
				h.engine.Advance(now)
			}
		}
		run(3*time.Hour, false)
		if n := h.in.evidence.raised[causeFrozen]; n != 0 {
			t.Fatalf("%d alarms before anything stopped", n)
		}
		run(3*time.Hour, c.stops)
		if n := h.in.evidence.raised[causeFrozen]; n != c.want {
			t.Errorf("%s, stops %v: %d frozen, want %d", c.fields, c.stops, n, c.want)
		}
		if c.want == 1 {
			s := h.collect()
			if v := value(t, s, "plumbline_alarm|m|rep|frozen"); v != 1 {
				t.Error("rep is not in alarm")
			}
			if v := value(t, s, "plumbline_alarm_seen|m|rep|frozen|share unchanged since the same entity came before"); v != 1 {
				t.Errorf("seen %v", v)
			}
			run(2*time.Hour, false)
			if v := value(t, h.collect(), "plumbline_alarm|m|rep|frozen"); v != 0 {
				t.Error("the alarm stands though the store goes on")
			}
		}
	}
}

func TestTheTableOfEntitiesIsBounded(t *testing.T) {
	h := newHarness(t, mustModel(t, entityModel))
	for i := range 5000 {
		h.line(fmt.Appendf(nil, `{"ts":%q,"user":"u%d","rep":%d,"age":1,"country":"c"}`, start.Add(time.Duration(i)*time.Second).Format(time.RFC3339), i, i), time.Time{})
	}
	changed, _ := h.engine.Sections()
	for _, s := range changed {
		if s.Name == h.in.section(entitiesSection) && len(s.Data) > 8000 {
			t.Errorf("%d bytes for %d entities of three columns", len(s.Data), maxEntities)
		}
	}
	if h.in.entities == nil {
		t.Error("no entity was followed")
	}
}

// TestEntitiesGoOnOverARestart plays the same records with and without restarts.
func TestEntitiesGoOnOverARestart(t *testing.T) {
	play := func(every int) map[string]float64 {
		m := mustModel(t, entityModel)
		h := newHarness(t, m)
		rng := rand.New(rand.NewPCG(5, 6))
		store := map[string][]byte{}
		for i := range 9000 {
			now := start.Add(time.Duration(i) * time.Second)
			u := rng.IntN(40)
			h.line(fmt.Appendf(nil, `{"ts":%q,"user":"u%d","rep":%d,"age":%d,"country":"c%d"}`, now.Format(time.RFC3339), u, (i/500+u)%11, i%3, u%4), now)
			h.engine.Advance(now)
			changed, removed := h.engine.Sections()
			for _, name := range removed {
				delete(store, name)
			}
			for _, s := range changed {
				store[s.Name] = s.Data
			}
			if every > 0 && i%every == every-1 {
				offset := h.offset
				h = newHarness(t, m)
				h.offset = offset
				var names []string
				for name := range store {
					names = append(names, name)
				}
				if err := h.engine.Restore(names, func(name string) ([]byte, bool) { d, ok := store[name]; return d, ok }); err != nil || len(h.engine.Forgotten()) > 0 {
					t.Fatal(err, h.engine.Forgotten())
				}
				h.in = h.engine.Model("m")
				h.parser = h.in.Plan().NewParser()
			}
		}
		out := map[string]float64{}
		for i, c := range h.in.cols {
			p := h.in.windows[0].running[i].rest.pairs
			out[c.name+" same"], out[c.name+" pairs"] = float64(p.same), float64(p.compared)
			out[c.name+" reference"] = float64(c.base.ref.pairs.compared)
			for _, s := range c.streams {
				out[c.name+" "+s.cause] = s.logEvidence()
			}
		}
		return out
	}
	want, got := play(0), play(613)
	for key, v := range want {
		if got[key] != v {
			t.Errorf("%s: %v without restarts, %v with", key, v, got[key])
		}
	}
}
