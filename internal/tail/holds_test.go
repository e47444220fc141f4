package tail

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// joiner holds lines until a later one completes them: line k with k%5 == 0 waits for line k+3.
type joiner struct {
	r       *reader
	pending map[string]held
	done    []string // records: "k+k3" or "k"
}

type held struct {
	src    *Source
	offset int64
}

func (j *joiner) pump(d time.Duration) {
	j.r.t.Helper()
	until := time.Now().Add(d)
	for {
		c, err := j.r.tail.Next(j.r.t.Context(), until)
		if err != nil {
			j.r.t.Fatal(err)
		}
		if c == nil {
			return
		}
		at := c.Offset
		for line := range strings.Lines(string(c.Data)) {
			j.line(c.Source, at, line)
			at += int64(len(line))
		}
	}
}

func (j *joiner) line(s *Source, at int64, line string) {
	var k int
	fmt.Sscanf(line, "%d", &k)
	if k%5 == 0 {
		s.Hold(at, len(line))
		j.pending[fmt.Sprint(k)] = held{s, at}
		return
	}
	if first, ok := j.pending[fmt.Sprint(k-3)]; ok && k%5 == 3 {
		first.src.Release(first.offset)
		delete(j.pending, fmt.Sprint(k-3))
		j.done = append(j.done, fmt.Sprintf("%d+%d", k-3, k))
		return
	}
	j.done = append(j.done, fmt.Sprint(k))
}

func TestHeldLinesAndOnlyThoseAreReadAgain(t *testing.T) {
	for _, style := range []string{"stay", "rename", "rename and gzip", "copytruncate"} {
		t.Run(style, func(t *testing.T) {
			modes(t, func(t *testing.T, opts Options) {
				opts.Include = []string{"app.log"}
				path := in(opts, "app.log")
				rng := rand.New(rand.NewPCG(3, 4))
				r := follow(t, opts)
				j := &joiner{r: r, pending: map[string]held{}}
				n := 0
				var want []string
				for round := range 40 {
					for range 1 + rng.IntN(12) {
						appendTo(t, path, fmt.Sprintf("%d %s\n", n, strings.Repeat("p", rng.IntN(40))))
						switch {
						case n%5 == 3:
							want = append(want, fmt.Sprintf("%d+%d", n-3, n))
						case n%5 != 0:
							want = append(want, fmt.Sprint(n))
						}
						n++
					}
					j.pump(1200 * time.Millisecond)
					state := r.tail.State()
					if round%4 == 3 {
						to := fmt.Sprintf("%s.%d", path, 99-round)
						switch style {
						case "rename", "rename and gzip":
							if err := os.Rename(path, to); err != nil {
								t.Fatal(err)
							}
							if style == "rename and gzip" {
								gzipFile(t, to)
							}
						case "copytruncate":
							copyFile(t, path, to)
							truncate(t, path)
						}
						if style == "rename" && round%8 == 3 {
							j.pump(20 * time.Second) // the agent sees it
							state = r.tail.State()
						}
					}
					// Killed: what was pending is forgotten and must come again.
					clear(j.pending)
					r.restart(state)
				}
				if len(want) > 0 {
					j.pump(20 * time.Second)
				}
				slices.Sort(want)
				slices.Sort(j.done)
				if !slices.Equal(j.done, want) {
					t.Errorf("%d records, want %d; stats %+v\n got  %v\n want %v", len(j.done), len(want), r.tail.Stats(), j.done, want)
				}
			})
		})
	}
}

func TestHoldsAreBounded(t *testing.T) {
	modesOnly(t, "watching", func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		appendTo(t, in(opts, "app.log"), strings.Repeat("x\n", 2*maxHolds))
		r := follow(t, opts)
		c, err := r.tail.Next(t.Context(), time.Now().Add(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		for at := int64(0); at < 4*maxHolds; at += 2 {
			c.Source.Hold(at, 2)
		}
		if n := len(c.Source.holds); n != maxHolds {
			t.Errorf("%d holds, want %d", n, maxHolds)
		}
		if n := r.tail.Stats().HoldsRefused; n != maxHolds {
			t.Errorf("%d refused, want %d", n, maxHolds)
		}
		c.Source.Hold(1, 2)       // overlaps
		c.Source.Hold(1<<40, 2)   // was never handed out
		c.Source.Release(1 << 40) // was never held
		for at := int64(0); at < 4*maxHolds; at += 2 {
			c.Source.Release(at)
		}
		if n := len(c.Source.holds); n != 0 {
			t.Errorf("%d holds are left", n)
		}
	})
}
