package rules

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// Whatever happens to data, clock, files and process, what the engine tells stays consistent: an alert that never fired does not
// resolve, one that fires has begun, and once all data is there and good nothing is left open.
func TestWhateverHappensTheStoryStaysConsistent(t *testing.T) {
	for seed := range uint64(3) {
		rng := rand.New(rand.NewPCG(seed, 11))
		b := newBench(t, parityRules)
		variants := []string{parityRules, parityRules + "      - alert: More\n        expr: y > 2\n        for: 1m\n", "groups: [", "groups: []\n"}
		level, ever, open := map[string]float64{}, map[string]bool{}, map[string]bool{}
		hear := func(as []alert.Alert) {
			for _, a := range as {
				key := a.Key()
				switch {
				case a.State == alert.Firing:
					ever[key], open[key] = true, true
					if a.StartsAt.IsZero() || a.ActiveAt.IsZero() || !a.EndsAt.IsZero() {
						t.Fatalf("seed %d: %+v", seed, a)
					}
				case a.State != alert.Resolved:
					t.Fatalf("seed %d: told a state %q", seed, a.State)
				case !ever[key]:
					t.Fatalf("seed %d: never fired, but resolved: %v", seed, a.Labels)
				default:
					open[key] = false
					if a.EndsAt.IsZero() || a.DataMissing {
						t.Fatalf("seed %d: %+v", seed, a)
					}
				}
			}
		}
		put := func(dark bool) {
			for _, m := range []string{"a", "b", "c"} {
				for _, name := range []string{"x", "y"} {
					if rng.IntN(8) == 0 {
						level[name+m] = float64(rng.IntN(5))
					}
					if !dark || rng.IntN(3) > 0 {
						b.put(name, level[name+m], "model", m)
					}
				}
			}
		}
		for range 600 {
			b.now = b.now.Add(15 * time.Second)
			put(rng.IntN(3) == 0)
			switch rng.IntN(60) {
			case 0:
				b.restart()
			case 1:
				b.write(variants[rng.IntN(len(variants))])
				_ = b.e.Reload() // one of them is refused
				b.write(variants[0])
			case 2:
				b.now = b.now.Add(time.Duration(rng.IntN(7200)-3600) * time.Second)
			case 3:
				b.e.Forget(b.now, map[string]string{"model": "b"})
			case 4:
				hear(b.step(time.Duration(rng.IntN(20))*time.Minute, nil))
			}
			hear(b.eval())
		}
		if err := b.e.Reload(); err != nil {
			t.Fatal(err)
		}
		hear(b.step(3*time.Hour, func() {
			for _, m := range []string{"a", "b", "c"} {
				b.put("x", 0, "model", m)
				b.put("y", 0, "model", m)
			}
		}))
		for key, o := range open {
			if o {
				for _, g := range b.e.groups {
					for _, r := range g.alerts {
						for _, in := range r.inst {
							if in.key == key {
								t.Errorf("seed %d: %s %v %s held=%v %+v", seed, r.Name(), in.lbls, in.state, in.held, in.counts)
							}
						}
					}
				}
				t.Errorf("seed %d: an alert is left open: %s", seed, fmt.Sprint(key))
			}
		}
		if n := b.e.st.count; n > 60 {
			t.Errorf("seed %d: %d series", seed, n)
		}
	}
}
