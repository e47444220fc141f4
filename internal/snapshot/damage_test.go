package snapshot

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
)

// damaged builds a history with a previous generation and a current file of about 10 KiB, and returns the model
// after every commit.
func damaged(t *testing.T) (*memFS, []model) {
	t.Helper()
	m := newMemFS()
	s, _ := open(t, m, 7<<10)
	committed, _, err := history(s, nil, 13, 3)
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if m.file("s.state.prev") == nil {
		t.Fatal("no previous generation")
	}
	if size := len(m.file("s.state").data); size < 8<<10 || size > 16<<10 {
		t.Fatalf("the file has %d bytes, want about 10 KiB: choose another seed", size)
	}
	return m, committed
}

// recovered opens a damaged copy and returns which commit it found.
func recovered(t *testing.T, m *memFS, committed []model, what string) (commit int, report LoadReport) {
	t.Helper()
	s, report, err := Open("state", "s", Options{FS: m})
	if err != nil {
		t.Fatalf("%s: open: %v", what, err)
	}
	defer s.Close()
	got := contents(t, s)
	for i := len(committed) - 1; i >= 0; i-- {
		if maps.Equal(got, committed[i]) {
			return i, report
		}
	}
	t.Fatalf("%s: recovered a state that was never committed: %v", what, got)
	return 0, report
}

func TestTruncationAtEveryByteFallsBackToAnEarlierCommit(t *testing.T) {
	t.Parallel()
	m, committed := damaged(t)
	size := len(m.file("s.state").data)
	last := 0
	for cut := range size {
		c := m.clone()
		c.file("s.state").data = c.file("s.state").data[:cut]
		commit, report := recovered(t, c, committed, fmt.Sprintf("cut at byte %d", cut))
		if commit < last {
			t.Fatalf("cut at byte %d finds commit %d, but a shorter file gave commit %d", cut, commit, last)
		}
		last = commit
		if cut == 0 && !slices.Contains(report.Recovered, ReasonPrevious) {
			t.Fatalf("an empty file is not reported: %v", report.Recovered)
		}
	}
	if last != len(committed)-2 {
		t.Fatalf("one byte short of the end finds commit %d, want the one before the last, %d", last, len(committed)-2)
	}
	if commit, report := recovered(t, m.clone(), committed, "undamaged"); commit != len(committed)-1 || len(report.Recovered) != 0 {
		t.Fatalf("undamaged: commit %d, %v", commit, report)
	}
}

func TestAFlipOfEveryBitFallsBackToAnEarlierCommit(t *testing.T) {
	t.Parallel()
	m, committed := damaged(t)
	whole := m.file("s.state").data
	for at := range whole {
		for bit := range 8 {
			data := slices.Clone(whole)
			data[at] ^= 1 << bit
			m.file("s.state").data = data
			what := fmt.Sprintf("bit %d of byte %d", bit, at)
			commit, report := recovered(t, m, committed, what)
			if commit == len(committed)-1 {
				t.Fatalf("%s: the damage was not noticed", what)
			}
			if len(report.Recovered) == 0 {
				t.Fatalf("%s: nothing reported", what)
			}
		}
	}
}

func TestOtherDamageIsSurvivedAndNamed(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	for name, test := range map[string]struct {
		damage  func(m *memFS)
		reasons []string
		latest  bool // the last commit is still there
		empty   bool // nothing is there
	}{
		"zero-filled": {func(m *memFS) { clear(m.file("s.state").data) }, []string{ReasonTorn, ReasonPrevious}, false, false},
		"zeros behind the end": {func(m *memFS) {
			m.file("s.state").data = append(m.file("s.state").data, make([]byte, 4096)...)
		}, []string{ReasonTorn}, true, false},
		"garbage behind the end": {func(m *memFS) {
			junk := make([]byte, 999)
			for i := range junk {
				junk[i] = byte(random.Uint32())
			}
			m.file("s.state").data = append(m.file("s.state").data, junk...)
		}, []string{ReasonChecksum}, true, false},
		"current is gone":  {func(m *memFS) { delete(m.names, "state/s.state") }, []string{ReasonMissing, ReasonPrevious}, false, false},
		"previous is gone": {func(m *memFS) { delete(m.names, "state/s.state.prev") }, nil, true, false},
		"generations are swapped": {func(m *memFS) {
			a, b := m.file("s.state"), m.file("s.state.prev")
			a.data, b.data = b.data, a.data
		}, []string{ReasonPrevious}, true, false},
		"a newer version wrote it": {func(m *memFS) {
			data := m.file("s.state").data
			data[4] = 9
			b, _ := appendHeader(nil, header{})
			copy(data[36:40], b[36:40]) // a wrong checksum is damage, not a version
		}, []string{ReasonChecksum, ReasonPrevious}, false, false},
		"both are damaged": {func(m *memFS) {
			m.file("s.state").data[0] ^= 1
			m.file("s.state.prev").data[0] ^= 1
		}, []string{ReasonChecksum}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			m, committed := damaged(t)
			test.damage(m)
			commit, report := recovered(t, m, committed, name)
			if !slices.Equal(report.Recovered, test.reasons) {
				t.Errorf("reasons %q, want %q", report.Recovered, test.reasons)
			}
			if (commit == len(committed)-1) != test.latest || (commit == 0) != test.empty {
				t.Errorf("found commit %d of %d", commit, len(committed)-1)
			}
			// Going on from there must keep what was recovered, through compaction and a restart.
			m.locked = map[string]bool{}
			s, _ := open(t, m, 7<<10)
			want, _, err := history(s, contents(t, s), 20, 9)
			if err != nil {
				t.Fatal(err)
			}
			s.Close()
			s, report = open(t, m, 7<<10)
			if got := contents(t, s); !maps.Equal(got, want[len(want)-1]) || len(report.Recovered) != 0 {
				t.Errorf("after going on: %v %v", got, report)
			}
		})
	}
}

func TestADamagedFileDoesNotPushOutAGoodPreviousOne(t *testing.T) {
	m, committed := damaged(t)
	m.file("s.state").data[3] ^= 4
	s, _ := open(t, m, 7<<10)
	start := contents(t, s)
	before := m.op
	if err := s.Commit([]Section{{Name: "x", Data: []byte("y")}}, nil); err != nil {
		t.Fatal(err)
	}
	operations := m.op - before
	for k := 1; k <= operations; k++ {
		for seed := range uint64(20) {
			m, _ := damaged(t)
			m.file("s.state").data[3] ^= 4
			m = m.clone()
			s, _ := open(t, m, 7<<10)
			m.failAt, m.err, m.stick = m.op+k, fmt.Errorf("power is gone"), true
			_ = s.Commit([]Section{{Name: "x", Data: []byte("y")}}, nil)
			m.crash(rand.New(rand.NewPCG(seed, 4)))
			s, _ = open(t, m, 7<<10)
			got := contents(t, s)
			if !maps.Equal(got, start) && !maps.Equal(got, start.apply([]Section{{Name: "x", Data: []byte("y")}}, nil)) {
				t.Fatalf("stopped at operation %d: %v, want %v", k, got, start)
			}
		}
	}
	_ = committed
}
