package tail

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestMarksStandInTheSecondHalfAndCloseToTheOffset(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	text := make([]byte, 3<<20)
	for i := range text {
		text[i] = byte(rng.Uint32())
	}
	for _, step := range []int{50, 700, 256 << 10} {
		var m marks
		at := 0
		for at < len(text)-step {
			n := 1 + rng.IntN(step)
			m.pass(int64(at), int64(at+n), text[max(0, at-frontierSize):at+n])
			at += n
			if rng.IntN(200) != 0 && at < len(text)-step {
				continue
			}
			for range 20 {
				end := int64(1+rng.IntN(at))/int64(1+rng.IntN(8)) + 1
				highest, ok := m.each(int64(at), end, func(place int64, sum uint32) bool {
					return markOf(text[place-markSize:place]) == sum
				})
				if !ok {
					t.Fatalf("steps to %d, offset %d: a mark is not what stands there", step, at)
				}
				if highest > end || end >= 2<<minMark && (highest < end/2 || highest < end-4*(int64(at)-end)-(2<<minMark)) {
					t.Fatalf("steps to %d, offset %d: highest mark below %d is %d", step, at, end, highest)
				}
			}
		}
	}
}

// truncateUnderWrite copies the live file, writes more, which reader sees, and empties the file.
func truncateUnderWrite(t *testing.T, w *lineWriter, copyTo string, more int, between func()) {
	t.Helper()
	copyFile(t, w.path, copyTo)
	w.lines(more)
	between()
	truncate(t, w.path)
}

func TestLinesBetweenCopyAndTruncationAreReadAndNothingIsDoubled(t *testing.T) {
	for _, glob := range []string{"app.log", "app.log*"} {
		t.Run(glob, func(t *testing.T) {
			modes(t, func(t *testing.T, opts Options) {
				opts.Include = []string{glob}
				w := newWriter(t, in(opts, "app.log"))
				r := follow(t, opts)
				for i := range 60 { // one a second
					w.lines(1 + i*7)
					if i%2 == 0 {
						r.pump(500 * time.Millisecond)
					}
					truncateUnderWrite(t, w, in(opts, fmt.Sprintf("app.log.%d", 100-i)), i%9, func() { r.pump(300 * time.Millisecond) })
					w.lines(i % 5)
					r.pump(200 * time.Millisecond)
					if i%10 == 9 {
						r.restart(r.tail.State())
					}
				}
				r.settled(w.want)
			})
		})
	}
}

func TestDownWhileTruncatedTheShorterCopyIsNotReadAgain(t *testing.T) {
	for _, glob := range []string{"app.log", "app.log*"} {
		for _, compressed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s compressed=%v", glob, compressed), func(t *testing.T) {
				modes(t, func(t *testing.T, opts Options) {
					opts.Include = []string{glob}
					w := newWriter(t, in(opts, "app.log"))
					r := follow(t, opts)
					r.pump(0)
					for i := range 24 {
						w.lines(2 + i*i*5)
						name := in(opts, fmt.Sprintf("app.log.%d", 90-i))
						var state []byte
						truncateUnderWrite(t, w, name, 1+i%7*20, func() {
							r.drain()
							state = r.tail.State()
							r.tail.Close()
						})
						if compressed {
							gzipFile(t, name)
						}
						w.lines(i % 3 * 100)
						r.start(state)
						r.drain()
						if i%4 == 0 {
							r.restart(r.tail.State())
							r.drain()
						}
					}
					r.pump(time.Minute)
					r.check(w.want)
					if st := r.tail.Stats(); st.GapBytes != 0 {
						t.Errorf("gap %d", st.GapBytes)
					}
				})
			})
		}
	}
}

func TestSeveralTruncationsBetweenTwoLooksLoseNothing(t *testing.T) {
	for _, glob := range []string{"app.log", "app.log*"} {
		for _, behind := range []int{0, 3} { // lines that are read and that the first copy lacks
			t.Run(fmt.Sprintf("%s, %d behind", glob, behind), func(t *testing.T) {
				modes(t, func(t *testing.T, opts Options) {
					opts.Include = []string{glob}
					w := newWriter(t, in(opts, "app.log"))
					r := follow(t, opts)
					turn := func(more int, between func()) {
						for k := 30; k >= 1; k-- {
							os.Rename(fmt.Sprintf("%s.%d", w.path, k), fmt.Sprintf("%s.%d", w.path, k+1))
						}
						truncateUnderWrite(t, w, w.path+".1", more, between)
					}
					for i := range 10 {
						w.lines(20 + i)
						r.drain()
						turn(behind, func() { r.drain() })
						for k := range i % 4 {
							w.lines(10 + 3*k) // nobody looks
							turn(0, func() {})
						}
						w.lines(i % 3 * 50)
						r.pump(time.Second)
						if i%5 == 4 {
							r.restart(r.tail.State())
						}
					}
					r.settled(w.want)
				})
			})
		}
	}
}

func TestHeldLinesInAShorterCopyAreReadAgain(t *testing.T) {
	modesOnly(t, "watching", func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		w := newWriter(t, in(opts, "app.log"))
		w.lines(50)
		r := follow(t, opts)
		c, err := r.tail.Next(t.Context(), time.Now().Add(time.Second))
		if err != nil || c == nil {
			t.Fatal(c, err)
		}
		r.take(c)
		held := bytes.IndexByte(c.Data, '\n') + 1
		c.Source.Hold(0, held)
		var behind int
		truncateUnderWrite(t, w, in(opts, "app.log.1"), 3, func() {
			st, err := os.Stat(in(opts, "app.log.1"))
			if err != nil {
				t.Fatal(err)
			}
			c, err := r.tail.Next(t.Context(), time.Now().Add(time.Second))
			if err != nil || c == nil || c.Offset != st.Size() {
				t.Fatal(c, err)
			}
			r.take(c)
			behind = bytes.IndexByte(c.Data, '\n') + 1
			c.Source.Hold(c.Offset, behind)
		})
		state := r.tail.State()
		r.tail.Close()
		w.lines(4)
		w.want.add(1) // the line that was held in what the copy has comes again, the one behind it is lost
		r.start(state)
		r.drain()
		r.check(w.want)
		if st := r.tail.Stats(); st.GapBytes != uint64(behind) {
			t.Errorf("gap %d, want the %d bytes of the held line that no copy has", st.GapBytes, behind)
		}
	})
}

func TestAWriterThatDoesNotAppendTellsExactlyWhatWasLost(t *testing.T) {
	// Its position survives the truncation, so the file begins with a hole of the size that it had: also what nobody
	// ever looked at is counted.
	for _, place := range []string{"beside", "elsewhere", "down"} {
		t.Run(place, func(t *testing.T) {
			modes(t, func(t *testing.T, opts Options) {
				opts.Include = []string{"app.log"}
				w := newWriter(t, in(opts, "app.log"))
				w.f.Close()
				f, err := os.OpenFile(w.path, os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				w.f = f
				r := follow(t, opts)
				var lost tally
				var gap, lostBytes uint64
				for i := range 12 {
					w.lines(1 + i*40)
					r.drain()
					state := r.tail.State()
					switch place {
					case "down":
						gap += r.tail.Stats().GapBytes
						r.tail.Close()
					case "beside":
						copyFile(t, w.path, in(opts, fmt.Sprintf("app.log.%d", 50-i)))
					}
					before, at := w.next, position(t, w.f)
					w.lines(i) // nobody sees these
					for serial := before + 1; serial <= w.next; serial++ {
						lost.add(serial)
					}
					lostBytes += uint64(position(t, w.f) - at)
					truncate(t, w.path)
					if i%2 == 0 && place != "down" {
						r.pump(time.Second) // the file is seen empty, or only when it was filled again
					}
					w.lines(3)
					if place == "down" {
						r.start(state)
					}
					r.drain()
				}
				gap += r.tail.Stats().GapBytes
				want := tally{w.want.n - lost.n, w.want.sum - lost.sum, w.want.squares - lost.squares}
				if r.got != want || r.bad != 0 {
					t.Errorf("got %v and %d broken lines, want %v", r.got, r.bad, want)
				}
				if gap != lostBytes {
					t.Errorf("gap %d, want %d", gap, lostBytes)
				}
			})
		})
	}
}

func position(t *testing.T, f *os.File) int64 {
	t.Helper()
	at, err := f.Seek(0, 1)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestNULsThatWereWrittenAfterATruncationAreKept(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		path := in(opts, "app.log")
		r := follow(t, opts)
		want := ""
		for range 3 {
			appendTo(t, path, strings.Repeat("a line\n", 40))
			want += strings.Repeat("a line\n", 40)
			got := r.text(2 * time.Second)
			truncate(t, path)
			appendTo(t, path, "\x00\x00\x00\nnext\n")
			want += "\x00\x00\x00\nnext\n"
			if got += r.text(2 * time.Second); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			want = ""
		}
	})
}

func TestAFileThatOnlyBeginsLikeAnotherIsRead(t *testing.T) {
	// Rotated while down, and shorter than what was read of the live file, with the same first 64 KiB.
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		same := bytes.Repeat([]byte("a line that says nothing at all\n"), 2<<10)
		if err := os.WriteFile(in(opts, "app.log"), same, 0o644); err != nil {
			t.Fatal(err)
		}
		w := newWriter(t, in(opts, "app.log"))
		w.lines(400)
		r := follow(t, opts)
		r.drain()
		state := r.tail.State()
		r.tail.Close()
		if err := os.Remove(w.path); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(w.path, same, 0o644); err != nil {
			t.Fatal(err)
		}
		w.reopen()
		w.lines(100)
		w.rotate(filepath.Join(opts.Dir, "app.log.1"))
		w.reopen()
		w.lines(10)
		r.start(state)
		r.drain()
		r.bad = 0
		r.check(w.want)
	})
}
