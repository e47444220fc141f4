package snapshot

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The tests keep a model beside the store: what every commit made of the sections. A recovered store must equal
// the model after exactly one of the commits that may have survived.
type model map[string]string

func (m model) apply(changed []Section, removed []string) model {
	next := maps.Clone(m)
	if next == nil {
		next = model{}
	}
	for _, name := range removed {
		delete(next, name)
	}
	for _, c := range changed {
		next[c.Name] = string(c.Data)
	}
	return next
}

func (m model) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, "%s:%d bytes of %.12q; ", name, len(m[name]), m[name])
	}
	return b.String()
}

func contents(t *testing.T, s *Store) model {
	t.Helper()
	m := model{}
	for _, name := range s.Names() {
		data, ok := s.Section(name)
		if !ok {
			t.Fatalf("section %s is listed but unreadable", name)
		}
		m[name] = string(data)
	}
	return m
}

// change n of the history: sections a, b, c carry the same number, so a mix of commits is visible at once.
func changeNumber(n int, rng *rand.Rand) ([]Section, []string) {
	fill := func(name string, size int) Section {
		return Section{Name: name, Data: bytes.Repeat([]byte(fmt.Sprintf("%s%06d|", name, n)), 1+size/8)}
	}
	changed := []Section{fill("a", rng.IntN(900)), fill("b", rng.IntN(90)), fill(fmt.Sprintf("n%d", n%5), rng.IntN(2000))}
	return changed, []string{fmt.Sprintf("n%d", (n+2)%5)}
}

func open(t *testing.T, m *memFS, compact int64) (*Store, LoadReport) {
	t.Helper()
	s, report, err := Open("state", "s", Options{FS: m, CompactBytes: compact})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return s, report
}

// history runs commits until one fails or n are done, and returns the model after each success and after the
// attempt that failed.
func history(s *Store, start model, n int, seed uint64) (committed []model, attempt model, err error) {
	rng := rand.New(rand.NewPCG(seed, 1))
	committed = []model{start}
	for i := range n {
		changed, removed := changeNumber(i, rng)
		next := committed[len(committed)-1].apply(changed, removed)
		if err := s.Commit(changed, removed); err != nil {
			return committed, next, err
		}
		committed = append(committed, next)
	}
	return committed, nil, nil
}

func TestACrashAtEveryOperationRecoversTheOldOrTheNewCommit(t *testing.T) {
	whole := newMemFS()
	s, _ := open(t, whole, 8<<10)
	if _, _, err := history(s, nil, 25, 7); err != nil {
		t.Fatal(err)
	}
	operations := whole.op
	if whole.file("s.state.prev") == nil {
		t.Fatal("the history does not reach compaction")
	}
	for k := 1; k <= operations; k++ {
		for seed := range uint64(12) {
			m := newMemFS()
			s, _ := open(t, m, 8<<10)
			m.failAt, m.err, m.stick, m.torn = k, errors.New("power is gone"), true, seed%2 == 0
			committed, attempt, err := history(s, nil, 25, 7)
			if err == nil {
				t.Fatalf("operation %d did not stop anything", k)
			}
			m.crash(rand.New(rand.NewPCG(seed, uint64(k))))
			s, _ = open(t, m, 8<<10)
			got := contents(t, s)
			last := committed[len(committed)-1]
			if !maps.Equal(got, last) && !maps.Equal(got, attempt) {
				t.Fatalf("stopped at operation %d, seed %d:\n got  %v\n want %v\n or   %v", k, seed, got, last, attempt)
			}
			// The recovered store is a store: it commits, compacts and is found again.
			more, _, err := history(s, got, 12, 8)
			if err != nil {
				t.Fatalf("stopped at operation %d, seed %d: commit after recovery: %v", k, seed, err)
			}
			s.Close()
			s, report := open(t, m, 8<<10)
			if got := contents(t, s); !maps.Equal(got, more[len(more)-1]) || len(report.Recovered) != 0 {
				t.Fatalf("stopped at operation %d, seed %d: second recovery: %v (%v)", k, seed, got, report)
			}
		}
	}
}

func TestOneFailedOperationIsForgivenByTheNextCommit(t *testing.T) {
	whole := newMemFS()
	s, _ := open(t, whole, 8<<10)
	if _, _, err := history(s, nil, 25, 7); err != nil {
		t.Fatal(err)
	}
	for _, failure := range []error{syscall.EIO, syscall.ENOSPC} {
		for _, torn := range []bool{false, true} {
			for k := 1; k <= whole.op; k++ {
				m := newMemFS()
				s, _ := open(t, m, 8<<10)
				m.failAt, m.err, m.torn = k, failure, torn
				rng := rand.New(rand.NewPCG(7, 1))
				var want model
				failures := 0
				for i := range 30 {
					changed, removed := changeNumber(i, rng)
					want = want.apply(changed, removed)
					if err := s.Commit(changed, removed); err != nil {
						failures++
						if !errors.Is(err, failure) {
							t.Fatalf("operation %d: %v does not wrap %v", k, err, failure)
						}
						for j := range changed { // the caller reuses its buffers
							clear(changed[j].Data)
						}
					}
				}
				// A failed compaction or removal may be absorbed; nothing fails twice.
				if failures > 1 {
					t.Fatalf("operation %d failed once but %d commits failed", k, failures)
				}
				if got := contents(t, s); !maps.Equal(got, want) {
					t.Fatalf("operation %d, %v:\n got  %v\n want %v", k, failure, got, want)
				}
				m.crash(rand.New(rand.NewPCG(1, uint64(k))))
				s, _ = open(t, m, 8<<10)
				if got := contents(t, s); !maps.Equal(got, want) {
					t.Fatalf("operation %d, %v, after a crash:\n got  %v\n want %v", k, failure, got, want)
				}
			}
		}
	}
}

func TestAFullDiskFailsCommitsUntilThereIsSpaceAgain(t *testing.T) {
	m := newMemFS()
	m.space = 6 << 10
	s, _ := open(t, m, 8<<10)
	rng := rand.New(rand.NewPCG(7, 1))
	var want, durable model
	failed := 0
	for i := range 40 {
		changed, removed := changeNumber(i, rng)
		want = want.apply(changed, removed)
		if err := s.Commit(changed, removed); err != nil {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			failed++
			if got := contents(t, s); !maps.Equal(got, durable) {
				t.Fatalf("a failed commit changed what is committed: %v, want %v", got, durable)
			}
			continue
		}
		durable = want
	}
	if failed == 0 {
		t.Fatal("the disk never filled")
	}
	m.space = 1 << 20
	if err := s.Commit([]Section{{Name: "last", Data: []byte("1")}}, nil); err != nil {
		t.Fatalf("commit with space again: %v", err)
	}
	want = want.apply([]Section{{Name: "last", Data: []byte("1")}}, nil)
	m.crash(rand.New(rand.NewPCG(1, 2)))
	s, _ = open(t, m, 8<<10)
	if got := contents(t, s); !maps.Equal(got, want) {
		t.Fatalf("after space, crash and restart:\n got  %v\n want %v", got, want)
	}
}
