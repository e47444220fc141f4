package tail

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// committed is what one atomic commit holds: positions, and what was derived from the lines before them.
type committed struct {
	state []byte
	got   tally
	bad   int
	lines map[uint64]int
}

func (r *reader) commit() committed {
	return committed{r.tail.State(), r.got, r.bad, maps.Clone(r.lines)}
}

// kill forgets everything since the commit and starts again from it.
func (r *reader) kill(c committed) {
	r.t.Helper()
	r.got, r.bad, r.lines = c.got, c.bad, maps.Clone(c.lines)
	r.restart(c.state)
}

// upkeep rotates one log in one style.
type upkeep struct {
	t     *testing.T
	w     *lineWriter
	rng   *rand.Rand
	n     int
	style string
	kube  *kubelet
}

func (u *upkeep) rotate() {
	u.t.Helper()
	u.n++
	switch u.style {
	case "rename":
		u.w.rotate(fmt.Sprintf("%s-2026112%d-%06d", u.w.path, 0, u.n))
		u.w.lines(u.rng.IntN(4))
		u.w.reopen()
	case "kubelet":
		u.kube.rotate()
		u.w.lines(u.rng.IntN(4))
		u.w.reopen()
	case "logrotate":
		base := u.w.path + "."
		for i := 6; i >= 1; i-- {
			for _, ext := range []string{"", ".gz"} {
				if i == 6 {
					os.Remove(fmt.Sprint(base, i, ext))
				} else {
					os.Rename(fmt.Sprint(base, i, ext), fmt.Sprint(base, i+1, ext))
				}
			}
		}
		u.w.rotate(base + "1")
		u.w.reopen()
		if _, err := os.Stat(base + "2"); err == nil {
			gzipFile(u.t, base+"2")
		}
	case "copytruncate":
		to := fmt.Sprintf("%s-20261123-%06d", u.w.path, u.n)
		copyFile(u.t, u.w.path, to)
		truncate(u.t, u.w.path)
		if u.rng.IntN(2) == 0 {
			gzipFile(u.t, to)
		}
	}
}

func TestTwoHundredKillsLoseAndDoubleNothing(t *testing.T) {
	for _, style := range []string{"none", "rename", "kubelet", "logrotate", "copytruncate"} {
		for _, glob := range []string{"app.log", "app.log*"} {
			t.Run(style+" "+glob, func(t *testing.T) {
				modes(t, func(t *testing.T, opts Options) {
					opts.Include = []string{glob}
					opts.ChunkBytes = 2048
					w := newWriter(t, in(opts, "app.log"))
					u := &upkeep{t: t, w: w, style: style, kube: &kubelet{t: t, w: w, keep: 6}}
					r := follow(t, opts)
					r.pump(0)
					last := r.commit()
					rotated := 0
					kills, seed := killsAndSeed(t, style+glob == "renameapp.log")
					rng := rand.New(rand.NewPCG(seed, 1))
					u.rng = rng
					for kills > 0 {
						switch rng.IntN(8) {
						case 0, 1, 2:
							w.lines(rng.IntN(60))
						case 3:
							r.pump(time.Duration(rng.IntN(1200)) * time.Millisecond)
						case 4:
							last = r.commit()
							if r.tail.Caught() {
								rotated = 0
							}
						case 5:
							// Retention keeps six files: more rotations since the commit would lose by design. Polling
							// must have a chance to look, as it has at these rates in real time.
							if rotated < 4 {
								w.lines(1 + rng.IntN(5))
								r.pump(300 * time.Millisecond)
								u.rotate()
								r.pump(time.Duration(rng.IntN(3)) * 700 * time.Millisecond)
								rotated++
							}
						case 6:
							r.kill(last)
							kills--
							r.pump(time.Duration(rng.IntN(300)) * time.Millisecond)
						case 7:
							if rotated < 3 { // down while things go on
								r.tail.Close()
								w.lines(5 + rng.IntN(40))
								u.rotate()
								w.lines(rng.IntN(40))
								rotated++
								r.kill(last)
								kills--
							}
						}
					}
					r.drain()
					r.pump(30 * time.Second)
					r.drain()
					r.check(w.want)
					if st := r.tail.Stats(); st.GapBytes != 0 || st.LagBytes != 0 {
						t.Errorf("gap %d, lag %d", st.GapBytes, st.LagBytes)
					}
					if size := len(r.tail.State()); glob == "app.log" && size > 4<<10 {
						t.Errorf("the state of one log has %d bytes", size)
					}
				})
			})
		}
	}
}

// killsAndSeed makes the short form short; PLUMBLINE_TAIL_KILLS asks for more, from
// another seed each time or from PLUMBLINE_TAIL_SEED.
func killsAndSeed(t *testing.T, long bool) (int, uint64) {
	if n, err := strconv.Atoi(os.Getenv("PLUMBLINE_TAIL_KILLS")); err == nil {
		seed := rand.Uint64() % 10000
		if s, err := strconv.ParseUint(os.Getenv("PLUMBLINE_TAIL_SEED"), 10, 64); err == nil {
			seed = s
		}
		t.Logf("%d kills, seed %d", n, seed)
		return n, seed
	}
	if long {
		return 200, 42
	}
	return 40, 42
}

func TestStateHoldsNothingOfTheLog(t *testing.T) {
	modesOnly(t, "watching", func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log*"}
		const secret = "4929-1111-2222-3333"
		appendTo(t, in(opts, "app.log"), strings.Repeat(secret+"\n", 200)+secret)
		r := follow(t, opts)
		c, err := r.tail.Next(t.Context(), time.Now().Add(time.Second))
		if err != nil || c == nil {
			t.Fatal(c, err)
		}
		c.Source.Hold(0, 20)
		r.text(time.Second)
		if strings.Contains(string(r.tail.State()), secret[:4]) {
			t.Error("the state holds bytes of the log")
		}
	})
}
