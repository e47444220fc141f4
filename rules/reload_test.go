package rules

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

func TestABadFileLeavesTheOldRulesRunningAndIsNamed(t *testing.T) {
	b := newBench(t, simple)
	bad := func() { b.put("x", 5, "model", "m") }
	b.step(2*time.Minute, bad)
	b.write(strings.Replace(simple, "x > 1", "x >> 1", 1))
	err := b.e.Reload()
	if err == nil || !strings.Contains(err.Error(), b.file+":6:18: ") {
		t.Fatalf("error %v, want it to name %s:6:18", err, b.file)
	}
	var p Problem
	if !errors.As(err, &p) || p.Line != 6 {
		t.Errorf("the error does not hold the problem: %#v", err)
	}
	if _, m, r := states(b.step(2*time.Minute, bad)); m != 0 || r != 0 {
		t.Errorf("after the refused reload: %d marked, %d resolved", m, r)
	}
	if _, _, r := states(b.step(15*time.Second, func() { b.put("x", 0, "model", "m") })); r != 1 {
		t.Error("the old rules do not run any more")
	}
}

func TestAReloadKeepsTheStateOfRulesAndTellsNothingTwice(t *testing.T) {
	b := newBench(t, simple+"      - alert: Other\n        expr: y > 1\n")
	bad := func() { b.put("x", 5, "model", "m") }
	b.step(45*time.Second, bad) // pending
	b.write(simple + "      - alert: Other\n        expr: y > 2\n")
	if err := b.e.Reload(); err != nil {
		t.Fatal(err)
	}
	got := b.step(30*time.Second, bad)
	if len(got) != 1 || !got[0].StartsAt.Equal(t0.Add(75*time.Second)) {
		t.Fatalf("the for started again: %+v", got)
	}
	if err := b.e.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := b.step(30*time.Second, bad); len(got) != 0 {
		t.Errorf("told again because of the reload: %+v", got)
	}
}

func TestARuleThatMovesToAnotherGroupKeepsItsAlerts(t *testing.T) {
	b := newBench(t, simple)
	bad := func() { b.put("x", 5, "model", "m") }
	b.step(2*time.Minute, bad)
	b.write(strings.Replace(simple, "name: g", "name: other", 1))
	if err := b.e.Reload(); err != nil {
		t.Fatal(err)
	}
	for _, a := range b.step(2*time.Minute, bad) {
		if a.State == alert.Resolved || !a.StartsAt.Equal(t0.Add(75*time.Second)) {
			t.Errorf("%+v", a)
		}
	}
}

func TestAlertsOfARemovedRuleEnd(t *testing.T) {
	for _, how := range []string{"reload", "restart"} {
		t.Run(how, func(t *testing.T) {
			b := newBench(t, simple)
			b.step(2*time.Minute, func() { b.put("x", 5, "model", "m") })
			b.write("groups: []\n")
			if how == "reload" {
				if err := b.e.Reload(); err != nil {
					t.Fatal(err)
				}
			} else {
				b.restart()
			}
			got := b.step(15*time.Second, nil)
			if len(got) != 1 || got[0].State != alert.Resolved || !strings.Contains(got[0].Annotations["ended_because"], "removed") {
				t.Fatalf("got %+v", got)
			}
		})
	}
}

func TestAlertsWhoseLabelsChangeEndUnderTheirOldLabels(t *testing.T) {
	b := newBench(t, simple)
	bad := func() { b.put("x", 5, "model", "m") }
	b.step(2*time.Minute, bad)
	b.write(strings.Replace(simple, "severity: critical", `severity: warning`, 1))
	if err := b.e.Reload(); err != nil {
		t.Fatal(err)
	}
	var ended, began bool
	for _, a := range b.step(5*time.Minute, bad) {
		ended = ended || (a.State == alert.Resolved && a.Severity() == "critical")
		began = began || (a.State == alert.Firing && a.Severity() == "warning")
	}
	if !ended || !began {
		t.Errorf("ended under the old labels: %v, began under the new: %v", ended, began)
	}
}

func TestALongerForDoesNotUnfireAnAlert(t *testing.T) {
	b := newBench(t, simple)
	bad := func() { b.put("x", 5, "model", "m") }
	b.step(2*time.Minute, bad)
	b.write(strings.Replace(simple, "for: 1m", "for: 1h", 1))
	if err := b.e.Reload(); err != nil {
		t.Fatal(err)
	}
	f, _, r := states(b.step(5*time.Minute, bad))
	if f == 0 || r != 0 {
		t.Errorf("%d firing, %d resolved", f, r)
	}
}

func TestForgottenSubjectsEndAtOnceAndDoNotFireOnTheirOldSamples(t *testing.T) {
	b := newBench(t, rule("x > 1"))
	b.step(2*time.Minute, func() { b.put("x", 5, "model", "gone"); b.put("x", 5, "model", "stays") })
	if n := b.e.Forget(b.now, map[string]string{"model": "gone"}); n != 1 {
		t.Fatalf("%d alerts forgotten, want 1", n)
	}
	all := b.step(20*time.Minute, func() { b.put("x", 5, "model", "stays") })
	ends := 0
	for _, a := range all {
		switch {
		case a.Labels["model"] == "stays" && a.State == alert.Resolved:
			t.Error("the wrong one ended")
		case a.Labels["model"] == "gone" && a.State == alert.Firing:
			t.Error("it fired again on samples from before")
		case a.Labels["model"] == "gone":
			ends++
		}
	}
	if ends == 0 {
		t.Error("its end was never told")
	}
	b.restart()
	if f, _, _ := states(b.step(time.Minute, func() { b.put("x", 5, "model", "gone"); b.put("x", 5, "model", "stays") })); f < 2 {
		t.Error("a model that comes back must be able to fire")
	}
}

func TestResolvedAlertsAreToldAgainForAWhileAndAfterARestart(t *testing.T) {
	b := newBench(t, rule("x > 1"))
	b.step(time.Minute, func() { b.put("x", 5, "model", "m") })
	good := func() { b.put("x", 0, "model", "m") }
	_, _, r := states(b.step(10*time.Minute, good))
	if r != 10 {
		t.Errorf("told %d times in ten minutes, want 10", r)
	}
	b.restart()
	if _, _, r := states(b.step(15*time.Second, good)); r != 1 {
		t.Errorf("told %d times right after the restart, want 1", r)
	}
	if _, _, r := states(b.step(time.Hour, good)); r > 7 {
		t.Errorf("told %d times more, want an end after 15 minutes in all", r)
	}
	if len(b.e.ending) != 0 {
		t.Error("it is kept for ever")
	}
}

func TestFilesFoldersGlobsAndConfigMapLinks(t *testing.T) {
	dir := t.TempDir()
	write := func(name string) string {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("groups: []\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	a := write("..data_1/a.yaml")
	write("b.yml")
	write("notes.txt")
	write("b_test.yml")
	write("sub/c.yaml")
	if err := os.Symlink(a, filepath.Join(dir, "a.yaml")); err != nil {
		t.Fatal(err)
	}
	got, err := expand([]string{filepath.Join(dir, "b.y*"), filepath.Join(dir, "none*.yaml")}, []string{dir})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || filepath.Base(got[0]) != "a.yaml" || filepath.Base(got[1]) != "b.yml" {
		t.Errorf("got %v", got)
	}
	if _, err := expand([]string{filepath.Join(dir, "none.yaml")}, nil); !errors.Is(err, ErrNoFiles) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := expand(nil, []string{filepath.Join(dir, "nowhere")}); err == nil {
		t.Error("a folder that is not there is fine?")
	}
}
