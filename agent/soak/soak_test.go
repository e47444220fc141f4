package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/agent"
)

// asAgent tells this test binary to be the agent: SIGKILL needs a process of its own, and this saves building one.
const asAgent = "PLUMBLINE_SOAK_AGENT"

func TestMain(m *testing.M) {
	if text := os.Getenv(asAgent); text != "" {
		os.Exit(beAgent(text))
	}
	os.Exit(m.Run())
}

func beAgent(text string) int {
	var p Place
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	err := agent.Run(context.Background(), agent.Options{
		Models: []string{p.Models}, Rules: []string{p.Rules}, Routes: p.Routes, State: p.State, Listen: p.Listen, Set: p.Set, Node: "soak", LogLevel: p.LogLevel,
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func thisBinary(t *testing.T) func(Place) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return func(p Place) *exec.Cmd {
		text, err := json.Marshal(p)
		if err != nil {
			t.Error(err)
		}
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), asAgent+"="+string(text))
		return cmd
	}
}

func TestAgentCountsEveryLineOnceUnderAShortSoak(t *testing.T) {
	if testing.Short() {
		t.Skip("runs an agent for some 20 seconds")
	}
	if runtime.GOOS != "linux" {
		t.Skip("the soak kills and measures as Linux does")
	}
	report, err := Run(t.Context(), Options{Seed: 1, Duration: 12 * time.Second, Rate: 2000, Command: thisBinary(t), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := report.Print(&text); err != nil {
		t.Fatal(err)
	}
	t.Log("\n" + text.String())
	if !report.Passed() {
		t.Error("an oracle failed")
	}
	if report.Scrapes == 0 || report.Events["kill"] == 0 || report.Events["rotation: kubelet"] == 0 {
		t.Errorf("the soak did too little: %d scrapes, events %v", report.Scrapes, report.Events)
	}
}

func TestACommandIsRequired(t *testing.T) {
	if _, err := Run(t.Context(), Options{}); !errors.Is(err, errNoCommand) {
		t.Errorf("got %v, want %v", err, errNoCommand)
	}
}

func TestACounterThatGoesBackIsSeenOverARestart(t *testing.T) {
	s := newScraper("")
	const head = "# TYPE plumbline_records_total counter\n# TYPE plumbline_tail_files gauge\n"
	answer := func(records, files int) string {
		return fmt.Sprintf("# TYPE plumbline_records_total counter\nplumbline_records_total{model=\"m\"} %d\n# TYPE plumbline_tail_files gauge\nplumbline_tail_files %d\n", records, files)
	}
	s.take(answer(10, 5))
	s.take(head) // just started: nothing is published yet
	s.take(answer(10, 3))
	if back, _, _ := s.backwards(); len(back) != 0 {
		t.Errorf("backwards = %v without a reason", back)
	}
	s.take(answer(9, 3))
	if back, examples, _ := s.backwards(); back[`plumbline_records_total{model="m"}`] != 1 || len(examples) != 1 {
		t.Errorf("backwards = %v, %v; want one of plumbline_records_total", back, examples)
	}
	if got := s.sum("plumbline_records_total", `model="m"`); got != 9 {
		t.Errorf("sum = %v, want 9", got)
	}
}

func TestALossAndADoublingDoNotCancel(t *testing.T) {
	var e expected
	for i := range int64(1000) {
		e.appendRecord(nil, i*31, time.Unix(0, 0))
	}
	for lost := range int64(50) {
		for doubled := range int64(50) {
			if lost == doubled {
				continue
			}
			same := true
			for _, f := range features {
				same = same && f.of(lost*31) == f.of(doubled*31)
			}
			if same {
				t.Fatalf("serials %d and %d have the same features", lost*31, doubled*31)
			}
		}
	}
}

func TestEveryRecordHasTheSameLength(t *testing.T) {
	var e expected
	for _, i := range []int64{0, 1, 999, 999_999, 123_456_789_012} {
		if got := len(e.appendRecord(nil, i, time.Unix(1_790_000_000, 0))); got != lineBytes-1 {
			t.Errorf("serial %d has %d bytes, want %d", i, got, lineBytes-1)
		}
	}
}

func TestGrowthIsJudgedOnlyWithEnoughSamples(t *testing.T) {
	rising := func(n int) *watcher {
		w := &watcher{}
		for i := range n {
			w.samples = append(w.samples, usage{rss: float64(i) * (1 << 20), fds: 10, threads: 10, routines: 50})
		}
		return w
	}
	if g := rising(10).growth(); !g[0].Flat() || g[0].Judged {
		t.Errorf("ten samples: %+v, want no judgement", g[0])
	}
	g := rising(200).growth()
	if g[0].Flat() {
		t.Errorf("memory that rises all the time is called flat: %+v", g[0])
	}
	if !g[1].Flat() || !g[2].Flat() || !g[3].Flat() {
		t.Errorf("what stays the same is not called flat: %+v", g[1:])
	}
}
