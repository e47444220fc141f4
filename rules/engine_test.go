package rules

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// t0 is an arbitrary evaluation time on a full minute.
var t0 = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)

// bench is an engine over one rule file, with a series to play with.
type bench struct {
	t    testing.TB
	e    *Engine
	opts Options
	now  time.Time
	file string
}

type memory struct{ data []byte }

func (m *memory) Load() ([]byte, error) { return m.data, nil }
func (m *memory) Save(b []byte) error   { m.data = append([]byte(nil), b...); return nil }

func newBench(t testing.TB, rules string, change ...func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t, now: t0, file: filepath.Join(t.TempDir(), "rules.yaml")}
	b.write(rules)
	b.opts = Options{Files: []string{b.file}, ExternalLabels: map[string]string{"node": "n1"}, Interval: 15 * time.Second, State: &memory{}}
	for _, c := range change {
		c(&b.opts)
	}
	b.restart()
	return b
}

func (b *bench) write(rules string) {
	b.t.Helper()
	if err := os.WriteFile(b.file, []byte(rules), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

// restart makes a new engine over the same state, as after a kill: nothing is closed.
func (b *bench) restart() {
	b.t.Helper()
	e, err := New(b.opts)
	if err != nil {
		b.t.Fatal(err)
	}
	b.e = e
}

// put appends x{labels} = v at the current time.
func (b *bench) put(name string, v float64, kv ...string) {
	b.t.Helper()
	l := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		l[kv[i]] = kv[i+1]
	}
	if err := b.e.AppendSeries(b.now, name, l, v); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) eval() []alert.Alert {
	b.t.Helper()
	out, err := b.e.Eval(context.Background(), b.now)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

// step moves on by 15 s for d, calls put each time, and returns everything that was told.
func (b *bench) step(d time.Duration, put func()) []alert.Alert {
	b.t.Helper()
	var out []alert.Alert
	for end := b.now.Add(d); b.now.Before(end); {
		b.now = b.now.Add(15 * time.Second)
		if put != nil {
			put()
		}
		out = append(out, b.eval()...)
	}
	return out
}

const simple = `
groups:
  - name: g
    rules:
      - alert: Bad
        expr: x > 1
        for: 1m
        labels: {severity: critical}
        annotations: {summary: "{{ $labels.model }} is at {{ $value }} on {{ $externalLabels.node }}"}
`

func states(as []alert.Alert) (firing, missing, resolved int) {
	for _, a := range as {
		switch {
		case a.State == alert.Resolved:
			resolved++
		case a.DataMissing:
			missing++
		default:
			firing++
		}
	}
	return
}

func TestAnAlertFiresAfterItsForAndResolvesWhenTheConditionEnds(t *testing.T) {
	b := newBench(t, simple)
	if got := b.step(time.Minute, func() { b.put("x", 5, "model", "m") }); len(got) != 0 {
		t.Fatalf("told before the for was over: %v", got)
	}
	got := b.step(15*time.Second, func() { b.put("x", 5, "model", "m") })
	if len(got) != 1 || got[0].State != alert.Firing || got[0].Annotations["summary"] != "m is at 5 on n1" || got[0].Labels["node"] != "n1" || got[0].DataMissing {
		t.Fatalf("got %+v, want one firing alert", got)
	}
	if !got[0].ActiveAt.Equal(t0.Add(15*time.Second)) || !got[0].StartsAt.Equal(t0.Add(75*time.Second)) {
		t.Fatalf("active at %v, starts at %v", got[0].ActiveAt, got[0].StartsAt)
	}
	if f, _, _ := states(b.step(2*time.Minute, func() { b.put("x", 5, "model", "m") })); f != 2 {
		t.Fatalf("sent again %d times in two minutes, want 2", f)
	}
	got = b.step(15*time.Second, func() { b.put("x", 0, "model", "m") })
	if len(got) != 1 || got[0].State != alert.Resolved || got[0].EndsAt.IsZero() {
		t.Fatalf("got %+v, want one resolved alert", got)
	}
}

func TestAFiringAlertWhoseSeriesVanishesIsHeldAndResolvesOnEvidenceOnly(t *testing.T) {
	b := newBench(t, simple)
	b.step(2*time.Minute, func() { b.put("x", 5, "model", "m") })
	all := b.step(time.Hour, nil)
	f, missing, resolved := states(all)
	if resolved != 0 || missing < 50 {
		t.Fatalf("an hour without data: %d firing, %d marked, %d resolved", f, missing, resolved)
	}
	got := b.step(time.Minute, func() { b.put("x", 5, "model", "m") })
	if f, m, r := states(got); f == 0 || m != 0 || r != 0 {
		t.Fatalf("data is back and bad: %d firing, %d marked, %d resolved", f, m, r)
	}
	b.step(time.Hour, nil)
	if _, _, r := states(b.step(15*time.Second, func() { b.put("x", 0, "model", "m") })); r != 1 {
		t.Fatalf("data is back and good: %d resolved, want 1", r)
	}
}

func TestARestartDoesNotStartTheForAgain(t *testing.T) {
	b := newBench(t, simple)
	b.step(45*time.Second, func() { b.put("x", 5, "model", "m") })
	b.restart()
	got := b.step(30*time.Second, func() { b.put("x", 5, "model", "m") })
	if f, _, _ := states(got); f != 1 || !got[0].ActiveAt.Equal(t0.Add(15*time.Second)) {
		t.Fatalf("after the restart: %+v", got)
	}
	b.restart()
	got = b.step(15*time.Second, nil)
	if f, _, r := states(got); f != 1 || r != 0 || !got[0].StartsAt.Equal(t0.Add(75*time.Second)) {
		t.Fatalf("firing alert after a restart without data: %+v", got)
	}
	if _, _, r := states(b.step(15*time.Second, func() { b.put("x", 0, "model", "m") })); r != 1 {
		t.Fatal("not resolved after the restart")
	}
}
