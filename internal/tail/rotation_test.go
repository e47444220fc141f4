package tail

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

// gzipFile compresses a file the way the kubelet does: into a temporary name, then rename, then remove.
func gzipFile(t *testing.T, path string) {
	t.Helper()
	in, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(path + ".tmp")
	if err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(out)
	if _, err := io.Copy(z, in); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path+".gz"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

// kubelet rotates as the kubelet does: older files are compressed, the newest stays plain, keep of them are kept.
type kubelet struct {
	t       *testing.T
	w       *lineWriter
	keep    int
	n       int
	rotated []string
}

func (k *kubelet) rotate() {
	k.t.Helper()
	k.n++
	for len(k.rotated) >= k.keep {
		if err := os.Remove(k.rotated[0]); err != nil {
			k.t.Fatal(err)
		}
		k.rotated = k.rotated[1:]
	}
	for i, path := range k.rotated {
		if filepath.Ext(path) != ".gz" {
			gzipFile(k.t, path)
			k.rotated[i] += ".gz"
		}
	}
	to := k.w.path + "." + time.Date(2026, 11, 23, 1, 0, k.n, 0, time.UTC).Format("20060102-150405")
	k.w.rotate(to)
	k.rotated = append(k.rotated, to)
}

func TestFastRenamesUnderAnyNameLoseNothing(t *testing.T) {
	// 20 rotations a second, several between two looks, the live name configured, rotated names unmatched and
	// deleted after two seconds.
	for _, limit := range []int{0, 8} {
		t.Run(fmt.Sprintf("MaxOpenFiles=%d", limit), func(t *testing.T) {
			modesOnly(t, "watching", func(t *testing.T, opts Options) {
				opts.Include = []string{"app.log"}
				opts.MaxOpenFiles = limit
				w := newWriter(t, in(opts, "app.log"))
				r := follow(t, opts)
				r.pump(0)
				rng := rand.New(rand.NewPCG(1, 2))
				var old []string
				for i := range 1200 {
					w.lines(rng.IntN(20))
					if rng.IntN(3) == 0 {
						r.pump(time.Duration(rng.IntN(100)) * time.Millisecond)
					}
					to := in(opts, fmt.Sprintf("%x.rotated-%d", rng.Uint32(), i))
					w.rotate(to)
					w.lines(rng.IntN(3))
					w.reopen()
					if old = append(old, to); len(old) > 40 {
						if err := os.Remove(old[0]); err != nil {
							t.Fatal(err)
						}
						old = old[1:]
					}
					r.pump(50 * time.Millisecond)
				}
				r.drain()
				r.check(w.want)
				if st := r.tail.Stats(); st.GapBytes != 0 {
					t.Errorf("gap %d", st.GapBytes)
				}
				r.pump(time.Minute)
				if st := r.tail.Stats(); st.OpenFiles > 1 || st.Files != 1 {
					t.Errorf("a minute later %d files are open and %d followed, want 1", st.OpenFiles, st.Files)
				}
				if n := len(r.tail.byInode); n > ghostsPerLine+2 {
					t.Errorf("%d files are remembered", n)
				}
			})
		})
	}
}

func TestNumberedRotationLosesNothing(t *testing.T) {
	// logrotate: app.log.2 -> .3, app.log.1 -> .2, app.log -> .1, and everything but .1 compressed; the glob matches
	// only the live name, or all plain ones, or everything.
	for _, glob := range []string{"app.log", "app.log*", "app.log{,.[0-9]}"} {
		t.Run(glob, func(t *testing.T) {
			modes(t, func(t *testing.T, opts Options) {
				opts.Include = []string{glob}
				w := newWriter(t, in(opts, "app.log"))
				r := follow(t, opts)
				for range 12 {
					w.lines(40)
					r.pump(200 * time.Millisecond)
					w.lines(10)
					for i := 5; i >= 1; i-- {
						for _, ext := range []string{"", ".gz"} {
							from, to := in(opts, fmt.Sprintf("app.log.%d%s", i, ext)), in(opts, fmt.Sprintf("app.log.%d%s", i+1, ext))
							if i == 5 {
								os.Remove(from)
							} else {
								os.Rename(from, to)
							}
						}
					}
					w.rotate(in(opts, "app.log.1"))
					w.reopen()
					w.lines(7)
					r.pump(400 * time.Millisecond)
					if _, err := os.Stat(in(opts, "app.log.2")); err == nil {
						gzipFile(t, in(opts, "app.log.2"))
					}
					r.pump(1200 * time.Millisecond)
				}
				r.drain()
				r.pump(time.Minute)
				r.check(w.want)
				if st := r.tail.Stats(); st.GapBytes != 0 || st.LagBytes != 0 {
					t.Errorf("gap %d, lag %d", st.GapBytes, st.LagBytes)
				}
			})
		})
	}
}

func TestNumbersThatCountUpwardsDoubleNothing(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		w := newWriter(t, in(opts, "app.log"))
		r := follow(t, opts)
		for i := range 3 * ghostsPerLine {
			w.lines(10)
			r.drain()
			w.rotate(fmt.Sprintf("%s.%d", w.path, i+1))
			w.reopen()
			w.lines(1)
			r.restart(r.tail.State())
			r.pump(15 * time.Second)
		}
		r.drain()
		r.check(w.want)
	})
}

func TestRotatedFilesAreHandedOutInTheOrderTheyWereWritten(t *testing.T) {
	// A record may begin at the end of one file and end at the beginning of the next.
	for _, names := range []string{"numbers", "dates", "any"} {
		t.Run(names, func(t *testing.T) {
			modesOnly(t, "watching", func(t *testing.T, opts Options) {
				opts.Include = []string{"app.log"}
				path := in(opts, "app.log")
				r := follow(t, opts)
				r.pump(0)
				var want strings.Builder
				next := 0
				for round := range 30 {
					for i := range 1 + round%5 { // so many rotations between two looks
						text := fmt.Sprintf("%d\n", next)
						next++
						want.WriteString(text)
						appendTo(t, path, text)
						switch names {
						case "numbers":
							for k := 9; k >= 1; k-- {
								os.Rename(fmt.Sprintf("%s.%d", path, k), fmt.Sprintf("%s.%d", path, k+1))
							}
							os.Rename(path, path+".1")
						case "dates":
							os.Rename(path, fmt.Sprintf("%s-20261123%04d%02d", path, round, i))
						case "any":
							os.Rename(path, in(opts, fmt.Sprintf("%x", next*7919%10007)))
						}
					}
					if round%3 == 0 {
						text := fmt.Sprintf("%d\n", next)
						next++
						want.WriteString(text)
						appendTo(t, path, text)
					}
					var got string
					if got = r.text(100 * time.Millisecond); got != want.String() {
						t.Fatalf("round %d: got %q, want %q", round, got, want.String())
					}
					want.Reset()
				}
			})
		})
	}
}

func TestDownAcrossKubeletRotationsLosesNothing(t *testing.T) {
	for _, glob := range []string{"0.log", "*.log*"} {
		for rotations := 1; rotations <= 5; rotations++ {
			for _, read := range []string{"nothing", "half", "all"} {
				t.Run(fmt.Sprintf("%s/%d/%s", glob, rotations, read), func(t *testing.T) {
					modesOnly(t, "watching", func(t *testing.T, opts Options) {
						opts.Include = []string{glob}
						opts.ChunkBytes = 4096
						w := newWriter(t, in(opts, "0.log"))
						k := &kubelet{t: t, w: w, keep: 6}
						w.lines(50)
						k.rotate() // an old one from before the agent was there
						w.reopen()
						before := w.want
						if glob != "0.log" {
							before = tally{}
						}
						w.lines(300)
						r := follow(t, opts)
						switch read {
						case "nothing":
							r.tail.tick(time.Now())
						case "half":
							for range 3 {
								c, err := r.tail.Next(t.Context(), time.Now().Add(time.Second))
								if err != nil || c == nil {
									t.Fatal(c, err)
								}
								r.take(c)
							}
						case "all":
							r.drain()
						}
						state := r.tail.State()
						for range rotations {
							w.lines(100)
							k.rotate()
							w.lines(5)
							w.reopen()
						}
						w.lines(20)
						r.restart(state)
						r.drain()
						w.lines(20)
						r.drain()
						r.pump(20 * time.Second)
						want := w.want
						want.n, want.sum, want.squares = want.n-before.n, want.sum-before.sum, want.squares-before.squares
						r.check(want)
						if st := r.tail.Stats(); st.GapBytes != 0 {
							t.Errorf("gap %d", st.GapBytes)
						}
						// And the same again without anything new: nothing is read twice.
						r.restart(r.tail.State())
						r.drain()
						r.check(want)
					})
				})
			}
		}
	}
}

func TestRetentionThatDeletesUnreadFilesIsCounted(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"0.log"}
		w := newWriter(t, in(opts, "0.log"))
		k := &kubelet{t: t, w: w, keep: 3}
		w.lines(100)
		r := follow(t, opts)
		r.drain()
		got := w.want
		state := r.tail.State()
		st, err := os.Stat(w.path)
		if err != nil {
			t.Fatal(err)
		}
		read := st.Size()
		w.lines(100) // lost with the file: only its size when the state was written is known
		lost := w.want
		for range 5 {
			k.rotate()
			w.reopen()
			w.lines(100)
		}
		r.restart(state)
		r.drain()
		// Of the five rotated files two were deleted: the one that was followed, and one that nobody saw.
		r.pump(20 * time.Second)
		want := tally{}
		for i := lost.n + 100 + 1; i <= w.want.n; i++ {
			want.add(i)
		}
		want.n, want.sum, want.squares = want.n+got.n, want.sum+got.sum, want.squares+got.squares
		r.check(want)
		_ = read
	})
}

func TestAFileThatIsRenamedBackGoesOn(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"0.log"}
		w := newWriter(t, in(opts, "0.log"))
		r := follow(t, opts)
		for range 5 {
			w.lines(10)
			r.pump(time.Second)
			w.rotate(in(opts, "0.log.20261123-010203"))
			w.lines(10)
			r.pump(2 * time.Second)
			if err := os.Rename(in(opts, "0.log.20261123-010203"), w.path); err != nil {
				t.Fatal(err)
			}
			w.lines(10)
		}
		r.drain()
		r.check(w.want)
	})
}

func TestADeletedFileIsReadToItsEnd(t *testing.T) {
	modesOnly(t, "watching", func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		opts.ChunkBytes = 256
		w := newWriter(t, in(opts, "app.log"))
		r := follow(t, opts)
		r.pump(time.Second)
		w.lines(100)
		c, err := r.tail.Next(t.Context(), time.Now().Add(time.Second))
		if err != nil || c == nil {
			t.Fatal(c, err)
		}
		r.take(c)
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		w.lines(10)
		r.pump(30 * time.Second)
		w.lines(10) // the writer still has it
		r.pump(3 * time.Second)
		r.check(w.want)
		w.reopen()
		w.lines(10)
		r.drain()
		r.check(w.want)
		r.pump(10 * time.Second)
		if st := r.tail.Stats(); st.OpenFiles != 1 || st.GapBytes != 0 || st.Rotations["deleted"] != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestAHalfWrittenGzipIsWaitedFor(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		opts.ChunkBytes = 1024
		w := newWriter(t, in(opts, "app.log"))
		w.lines(2000)
		r := follow(t, opts)
		for range 10 {
			c, err := r.tail.Next(t.Context(), time.Now().Add(time.Second))
			if err != nil || c == nil {
				t.Fatal(c, err)
			}
			r.take(c)
		}
		state := r.tail.State()
		w.rotate(in(opts, "app.log.1"))
		w.reopen()
		w.lines(10)
		gzipFile(t, in(opts, "app.log.1"))
		whole, err := os.ReadFile(in(opts, "app.log.1.gz"))
		if err != nil {
			t.Fatal(err)
		}
		// Somebody copies it here slowly.
		if err := os.WriteFile(in(opts, "app.log.1.gz"), whole[:len(whole)/3], 0o644); err != nil {
			t.Fatal(err)
		}
		r.restart(state)
		r.pump(10 * time.Second)
		if err := os.WriteFile(in(opts, "app.log.1.gz"), whole[:len(whole)*2/3], 0o644); err != nil {
			t.Fatal(err)
		}
		r.pump(30 * time.Second)
		r.restart(r.tail.State())
		r.pump(5 * time.Second)
		if err := os.WriteFile(in(opts, "app.log.1.gz"), whole, 0o644); err != nil {
			t.Fatal(err)
		}
		r.drain()
		r.check(w.want)
		if st := r.tail.Stats(); st.GapBytes != 0 {
			t.Errorf("gap %d", st.GapBytes)
		}
	})
}
