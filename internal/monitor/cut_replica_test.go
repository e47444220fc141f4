package monitor

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAReplicaThatDiffersIsNamedAndItsPeersAreNot(t *testing.T) {
	for name, change := range map[string]func(w *cutTraffic){
		"share of spam": func(w *cutTraffic) {
			w.spam = func(_, replica string) float64 { return map[bool]float64{true: .4, false: .1}[replica == "r3"] }
		},
		"share of x above": func(w *cutTraffic) {
			w.f = func(replica string) float64 { return map[bool]float64{true: 1, false: 0}[replica == "r3"] }
		},
	} {
		h := newHarness(t, mustModel(t, cutModel))
		w := newTraffic(3)
		at := w.run(h, start, 40*time.Minute, 5)
		change(w)
		at = w.run(h, at, 20*time.Minute, 5)
		s := h.collect()
		got := slices.DeleteFunc(alarms(s), func(a string) bool { return !strings.Contains(a, "replica") })
		if !slices.Equal(got, []string{"replica replica=r3"}) {
			t.Fatalf("%s: alarms %v", name, got)
		}
		told := false
		for key := range s {
			told = told || strings.HasPrefix(key, "plumbline_alarm_seen|m||replica|replica=r3|"+name)
		}
		if !told {
			t.Errorf("%s: the alarm does not say so", name)
		}
		w.spam, w.f = newTraffic(3).spam, nil
		w.run(h, at, 60*time.Minute, 5)
		if got := alarms(h.collect()); slices.ContainsFunc(got, func(a string) bool { return strings.Contains(a, "replica") }) {
			t.Errorf("%s: an hour after its return: %v", name, got)
		}
	}
}

func TestReplicasThatAreAlikeRaiseNothingWhateverTheTrafficDoes(t *testing.T) {
	h := newHarness(t, mustModel(t, cutModel))
	w := newTraffic(4)
	second := 0
	w.spam = func(_, replica string) float64 {
		second++
		p := .1 * (1 + .9*math.Sin(float64(second)/20_000))
		if replica == "r2" {
			p *= 1.2 // clients that stay with one replica
		}
		return p
	}
	w.run(h, start, 4*time.Hour, 6)
	if got := alarms(h.collect()); slices.ContainsFunc(got, func(a string) bool { return strings.Contains(a, "replica") }) {
		t.Errorf("alarms: %v", got)
	}
}

func TestTheReplicaOfAPodIsReadOffThePathOfItsLog(t *testing.T) {
	for path, want := range map[string]string{
		"/var/log/pods/ml_spam-7d9f-abcde_0f3a/server/0.log": "spam-7d9f-abcde",
		"/var/log/pods/odd/server/0.log":                     "",
		"/var/log/app.jsonl":                                 "",
	} {
		if got := ReplicaOfPath(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	m := mustModel(t, strings.NewReplacer(`"*.jsonl"`, "/var/log/pods/*/*/*.log", ", replica: replica", "").Replace(cutModel))
	h := newHarness(t, m)
	w := newTraffic(5)
	for i := range 100 {
		h.in.SetSource([]byte(fmt.Sprintf("pod-%d", i%2)))
		h.line(w.line(start), start)
	}
	s := h.collect()
	partsAddUp(t, s)
	if v := value(t, s, "plumbline_segment_records_total|m|replica|replica=pod-1"); v != 31 {
		t.Errorf("%v records of a pod that has a name from its 20th on, want 31", v)
	}
}
