package rules

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// rule is a file with one critical alert.
func rule(expr string, more ...string) string {
	return "groups:\n  - name: g\n    rules:\n      - alert: Bad\n        expr: '" + expr + "'\n        labels: {severity: critical}\n" + strings.Join(more, "")
}

func TestWhatCountsAsEvidenceThatAnAlertIsOver(t *testing.T) {
	type points map[string]float64 // series → value
	for _, c := range []struct {
		name, expr  string
		firing      points // until it fires
		then        points // afterwards
		wait        time.Duration
		held, ended bool
	}{
		{"the value is good again", "x > 1", points{`x|model=a`: 5}, points{`x|model=a`: 0}, time.Minute, false, true},
		{"the series is gone", "x > 1", points{`x|model=a`: 5}, points{}, time.Hour, true, false},
		{"only another series is there", "x > 1", points{`x|model=a`: 5, `x|model=b`: 0}, points{`x|model=b`: 0}, time.Hour, true, false},
		{"an aggregate whose worst series is gone", "max by (model) (x) > 1", points{`x|model=a|feature=f`: 5, `x|model=a|feature=g`: 0}, points{`x|model=a|feature=g`: 0}, time.Hour, true, false},
		{"an aggregate whose worst series is good", "max by (model) (x) > 1", points{`x|model=a|feature=f`: 5, `x|model=a|feature=g`: 0}, points{`x|model=a|feature=f`: 0, `x|model=a|feature=g`: 0}, time.Minute, false, true},
		{"a replica is replaced by another", "sum by (model) (x) > 1", points{`x|model=a|pod=1`: 5, `x|model=a|pod=2`: 5}, points{`x|model=a|pod=3`: 0, `x|model=a|pod=4`: 0}, 10 * time.Minute, false, true},
		{"a rate over half of its data", "rate(x[10m]) > 0.9", points{`x|model=a`: -1}, points{}, 20 * time.Minute, true, false},
		{"absent data comes back", "absent(x)", points{}, points{`x|model=a`: 1}, time.Minute, false, true},
		{"the right side of unless comes", "x > 1 unless on (model) y", points{`x|model=a`: 5}, points{`x|model=a`: 5, `y|model=a`: 1}, time.Minute, false, true},
		{"the right side of and goes", "x > 1 and on (model) y", points{`x|model=a`: 5, `y|model=a`: 1}, points{`x|model=a`: 5}, time.Hour, true, false},
		{"a limit that is joined goes", "x > on (model) group_left () y", points{`x|model=a|feature=f`: 5, `y|model=a`: 1}, points{`x|model=a|feature=f`: 5}, time.Hour, true, false},
		{"a limit that is joined stays", "x > on (model) group_left () y", points{`x|model=a|feature=f`: 5, `y|model=a`: 1}, points{`x|model=a|feature=f`: 0, `y|model=a`: 1}, time.Minute, false, true},
		{"silence ends", "time() - x > 100", points{`x|model=a`: 0}, points{`x|model=a`: 4e9}, time.Minute, false, true},
		{"one of two alternatives ends", "x > 1 or y > 1", points{`x|model=a`: 5, `y|model=b`: 0}, points{`x|model=a`: 0, `y|model=b`: 0}, time.Minute, false, true},
		{"a relabelled result", `label_replace(x, "model", "$1", "m", "(.*)") > 1`, points{`x|m=a`: 5}, points{}, time.Hour, true, false},
		{"an offset", "x offset 10m > 1", points{`x|model=a`: 5}, points{}, time.Hour, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, rule(c.expr))
			count := 0.0
			put := func(p points) func() {
				return func() {
					count += 15
					for s, v := range p {
						parts := strings.Split(s, "|")
						var kv []string
						for _, l := range parts[1:] {
							k, val, _ := strings.Cut(l, "=")
							kv = append(kv, k, val)
						}
						if v < 0 {
							v = count // a counter
						}
						b.put(parts[0], v, kv...)
					}
				}
			}
			if f, _, _ := states(b.step(15*time.Minute, put(c.firing))); f == 0 {
				t.Fatal("did not fire")
			}
			_, missing, resolved := states(b.step(c.wait, put(c.then)))
			if (missing > 0) != c.held || (resolved > 0) != c.ended {
				t.Errorf("marked %d times, resolved %d times; want held %v, ended %v", missing, resolved, c.held, c.ended)
			}
		})
	}
}

func TestWhatIsLeftOfAGroupIsBelievedAfterAnHour(t *testing.T) {
	b := newBench(t, rule("max by (model) (x) > 1"))
	b.step(time.Minute, func() { b.put("x", 5, "model", "a", "feature", "f"); b.put("x", 0, "model", "a", "feature", "g") })
	left := func() { b.put("x", 0, "model", "a", "feature", "g") }
	if _, _, r := states(b.step(30*time.Minute, left)); r != 0 {
		t.Fatal("believed at once")
	}
	b.restart()
	if _, _, r := states(b.step(30*time.Minute, left)); r != 0 {
		t.Fatal("believed within the hour")
	}
	if _, _, r := states(b.step(10*time.Minute, left)); r == 0 {
		t.Fatal("never believed")
	}
}

func TestEvidenceIsLookedForBelowRecordingRules(t *testing.T) {
	const text = `
groups:
  - name: g
    labels: {team: ml}
    rules:
      - {record: "model:x:max", expr: max by (model) (x)}
      - {record: "model:bad:max", expr: "model:x:max > 1"}
      - {alert: Bad, expr: "model:bad:max > 0"}
`
	bad := func(b *bench) func() { return func() { b.put("x", 5, "model", "a", "feature", "f") } }
	b := newBench(t, text)
	b.step(time.Minute, bad(b))
	if _, m, r := states(b.step(20*time.Minute, nil)); m == 0 || r != 0 {
		t.Errorf("the data below is gone: marked %d times, resolved %d times", m, r)
	}
	b = newBench(t, text)
	b.step(time.Minute, bad(b))
	if _, m, r := states(b.step(2*time.Minute, func() { b.put("x", 0, "model", "a", "feature", "f") })); m != 0 || r == 0 {
		t.Errorf("the recorded series ended because all is well: marked %d times, resolved %d times", m, r)
	}
}

func TestAnEvaluationErrorNeverResolves(t *testing.T) {
	// Two series of y for one model make the join many-to-many, which fails.
	b := newBench(t, rule("x > on (model) y"))
	b.step(time.Minute, func() { b.put("x", 5, "model", "a"); b.put("y", 1, "model", "a") })
	all := b.step(10*time.Minute, func() {
		b.put("x", 5, "model", "a")
		b.put("y", 1, "model", "a")
		b.put("y", 9, "model", "a", "extra", "1")
	})
	if _, missing, resolved := states(all); resolved != 0 || missing == 0 {
		t.Fatalf("marked %d times, resolved %d times", missing, resolved)
	}
	if b.e.metrics.failures == 0 {
		t.Error("the failures were not counted")
	}
}

func TestTooManyAlertsFailTheRuleAndKeepWhatFires(t *testing.T) {
	b := newBench(t, rule("x > 1"), func(o *Options) { o.MaxAlerts = 3 })
	b.step(30*time.Second, func() { b.put("x", 5, "model", "a") })
	all := b.step(2*time.Minute, func() {
		for i := range 5 {
			b.put("x", 5, "model", string(rune('a'+i)))
		}
	})
	if _, missing, resolved := states(all); resolved != 0 || missing == 0 {
		t.Fatalf("marked %d times, resolved %d times", missing, resolved)
	}
	if f, _, r := states(b.step(10*time.Minute, func() { b.put("x", 5, "model", "a") })); f == 0 || r != 0 {
		t.Fatalf("after the flood: %d firing, %d resolved", f, r)
	}
}

func TestAPendingAlertDoesNotFireInTheDark(t *testing.T) {
	b := newBench(t, rule("x > 1", "        for: 20m\n"))
	b.step(6*time.Minute, func() { b.put("x", 5, "model", "a") })
	if all := b.step(20*time.Minute, nil); len(all) != 0 {
		t.Fatalf("fired without data: %v", all)
	}
	// The newest sample was visible for five minutes more; the fifteen after that were dark and do not count.
	all := b.step(15*time.Minute, func() { b.put("x", 5, "model", "a") })
	if f, _, _ := states(all); f == 0 {
		t.Fatal("did not fire once the data was back")
	}
	if waited := all[0].StartsAt.Sub(t0); waited < 34*time.Minute || waited > 36*time.Minute {
		t.Fatalf("fired after %s in all, want 20 minutes and the 15 dark ones", waited)
	}
}

func TestAPendingAlertIsForgottenAfterLongDarkness(t *testing.T) {
	b := newBench(t, rule("x > 1", "        for: 20m\n"))
	b.step(6*time.Minute, func() { b.put("x", 5, "model", "a") })
	b.step(time.Hour, nil)
	if all := b.step(19*time.Minute, func() { b.put("x", 5, "model", "a") }); len(all) != 0 {
		t.Fatalf("an hour later the old minutes counted: %v", all)
	}
}

func TestAJumpOfTheClockNeitherFiresNorResolves(t *testing.T) {
	for _, jump := range []time.Duration{-time.Hour, time.Hour, 240 * time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			b := newBench(t, rule("x > 1", "        for: 30m\n"))
			bad := func() { b.put("x", 5, "model", "old") }
			b.step(40*time.Minute, bad) // fires
			both := func() { bad(); b.put("x", 5, "model", "young") }
			b.step(5*time.Minute, both) // pending
			b.now = b.now.Add(jump)
			all := b.step(20*time.Minute, both)
			for _, a := range all {
				if a.State == alert.Resolved || a.Labels["model"] == "young" {
					t.Fatalf("after a jump of %s: %+v", jump, a)
				}
			}
			all = b.step(20*time.Minute, both)
			young := false
			for _, a := range all {
				young = young || a.Labels["model"] == "young"
			}
			if !young {
				t.Error("the pending alert never fired after the jump")
			}
			if _, _, r := states(b.step(time.Minute, func() { b.put("x", 0, "model", "old"); b.put("x", 5, "model", "young") })); r != 1 {
				t.Errorf("%d resolved on good evidence, want 1", r)
			}
		})
	}
}

func TestHeldAlertsKeepTheirText(t *testing.T) {
	b := newBench(t, rule("x > 1", "        annotations: {summary: '{{ range query \"y\" }}y is {{ .Value }}{{ end }}'}\n"))
	b.step(time.Minute, func() { b.put("x", 5, "model", "a"); b.put("y", 7) })
	all := b.step(time.Hour, nil)
	if last := all[len(all)-1]; !last.DataMissing || last.Annotations["summary"] != "y is 7" {
		t.Fatalf("held alert says %q", last.Annotations["summary"])
	}
	b.restart()
	if all = b.step(10*time.Minute, nil); all[0].Annotations["summary"] != "y is 7" {
		t.Fatalf("after a restart it says %q", all[0].Annotations["summary"])
	}
}

func TestARestartIsNotTakenForBlindness(t *testing.T) {
	b := newBench(t, rule("x > 1"))
	b.step(time.Minute, func() { b.put("x", 5, "model", "a") })
	b.restart()
	if _, missing, _ := states(b.step(time.Minute, nil)); missing != 0 {
		t.Error("marked as blind within a minute of the restart")
	}
	if _, missing, _ := states(b.step(5*time.Minute, nil)); missing == 0 {
		t.Error("never marked as blind")
	}
}

func TestKilledAtAnyMomentEveryAlertEndsInItsTrueState(t *testing.T) {
	// 40 models go bad and good again; the engine is killed and restarted from its saved state every few evaluations, and what it told
	// just before is lost each time.
	b := newBench(t, rule("x > 1", "        for: 1m\n"))
	truth := func(at time.Duration, i int) float64 {
		if at > time.Duration(i)*time.Minute && at < time.Duration(i+20)*time.Minute {
			return 5
		}
		return 0
	}
	open := map[string]bool{}
	for n := 0; b.now.Before(t0.Add(90 * time.Minute)); n++ {
		told := b.step(15*time.Second, func() {
			for i := range 40 {
				b.put("x", truth(b.now.Sub(t0), i), "model", fmt.Sprint(i))
			}
		})
		if n%5 == 4 {
			b.restart() // told is lost on its way
			continue
		}
		for _, a := range told {
			open[a.Labels["model"]] = a.State == alert.Firing
		}
		if n%40 == 39 { // both have had the time to say everything
			for i := range 40 {
				at := b.now.Sub(t0)
				switch {
				case at > time.Duration(i+2)*time.Minute+30*time.Second && at < time.Duration(i+20)*time.Minute && !open[fmt.Sprint(i)]:
					t.Errorf("at %s model %d is bad and nobody knows", at, i)
				case at > time.Duration(i+21)*time.Minute+30*time.Second && open[fmt.Sprint(i)]:
					t.Errorf("at %s model %d is good and its incident is open", at, i)
				}
			}
		}
	}
	for m, o := range open {
		if o {
			t.Errorf("model %s is left open", m)
		}
	}
}

func TestDamagedStateIsLeftBehind(t *testing.T) {
	for _, data := range []string{"{", `{"version":99}`, "null", `[]`, `{"version":1,"rules":[{"alerts":[{"value":"x"}]}]}`} {
		b := newBench(t, simple)
		b.opts.State = &memory{data: []byte(data)}
		b.restart()
		b.step(2*time.Minute, func() { b.put("x", 5, "model", "m") })
	}
}

func FuzzSavedStateNeverBreaksTheStart(f *testing.F) {
	seed, _ := json.Marshal(savedState{Version: 1, Rules: []savedRule{{Alert: "Bad", Group: "g", Labels: `{severity="critical"}`, Alerts: []savedAlert{{
		Element: map[string]string{"model": "a"}, Labels: map[string]string{"model": "a"}, State: alert.Firing, Series: map[string]int{"x": 1}}}}}})
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		b := newBench(t, rule("x > 1"), func(o *Options) { o.State = &memory{data: data} })
		b.put("x", 0, "model", "a")
		if _, err := b.e.Eval(context.Background(), b.now); err != nil {
			t.Fatal(err)
		}
	})
}

func TestARiseWhileTheAgentWasDownIsSeen(t *testing.T) {
	b := newBench(t, rule("increase(plumbline_tail_gap_bytes_total[15m]) > 0"))
	b.step(10*time.Minute, func() { b.put("plumbline_tail_gap_bytes_total", 100) })
	b.restart()
	b.now = b.now.Add(2 * time.Hour)
	if f, _, _ := states(b.step(time.Minute, func() { b.put("plumbline_tail_gap_bytes_total", 4196) })); f == 0 {
		t.Fatal("4096 bytes were lost while the agent was down, and no alert says so")
	}
	b.step(30*time.Minute, func() { b.put("plumbline_tail_gap_bytes_total", 4196) })
	b.restart()
	b.now = b.now.Add(2 * time.Hour)
	if f, _, _ := states(b.step(time.Minute, func() { b.put("plumbline_tail_gap_bytes_total", 4196) })); f != 0 {
		t.Fatal("nothing was lost this time")
	}
}
