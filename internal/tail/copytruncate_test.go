package tail

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, path string) {
	t.Helper()
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
}

func TestCopytruncateLosesNothingWhenTheCopyLiesBeside(t *testing.T) {
	for _, test := range []struct {
		glob, copy string
	}{
		{"app.log", "app.log.%d"},        // exact path, usual names
		{"app.log", "backup-of-%d.copy"}, // names that say nothing
		{"app.log*", "app.log.%d"},       // the glob matches the copies
	} {
		t.Run(test.glob+" "+test.copy, func(t *testing.T) {
			modes(t, func(t *testing.T, opts Options) {
				opts.Include = []string{test.glob}
				w := newWriter(t, in(opts, "app.log"))
				r := follow(t, opts)
				for i := range 15 {
					w.lines(60)
					r.pump(500 * time.Millisecond)
					w.lines(10 + i) // not read yet when the copy is made
					copyTo := in(opts, fmt.Sprintf(test.copy, i+1))
					if i%3 == 0 { // the copy is seen while it is being made
						whole, err := os.ReadFile(w.path)
						if err != nil {
							t.Fatal(err)
						}
						if err := os.WriteFile(copyTo, whole[:len(whole)/3], 0o644); err != nil {
							t.Fatal(err)
						}
						r.pump(100 * time.Millisecond)
						f, err := os.OpenFile(copyTo, os.O_WRONLY|os.O_APPEND, 0)
						if err != nil {
							t.Fatal(err)
						}
						if _, err := f.Write(whole[len(whole)/3:]); err != nil {
							t.Fatal(err)
						}
						f.Close()
					} else {
						copyFile(t, w.path, copyTo)
					}
					truncate(t, w.path)
					w.lines(i * 8) // sometimes shorter than the offset, sometimes longer
					r.pump(1200 * time.Millisecond)
					if i%4 == 3 {
						r.restart(r.tail.State())
					}
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

func TestCopytruncateWhileDownGoesOnInTheCopy(t *testing.T) {
	for _, glob := range []string{"app.log", "app.log*"} {
		for _, compressed := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s compressed=%v", glob, compressed), func(t *testing.T) {
				modes(t, func(t *testing.T, opts Options) {
					opts.Include = []string{glob}
					w := newWriter(t, in(opts, "app.log"))
					w.lines(300)
					r := follow(t, opts)
					r.drain()
					for i := range 4 {
						state := r.tail.State()
						w.lines(50)
						name := in(opts, fmt.Sprintf("app.log.%d", 9-i))
						copyFile(t, w.path, name)
						truncate(t, w.path)
						if compressed {
							gzipFile(t, name)
						}
						w.lines(i * 200)
						r.restart(state)
						r.drain()
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

func TestCopytruncateElsewhereIsCountedAsAGap(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		away := t.TempDir()
		opts.Include = []string{"app.log"}
		opts.ChunkBytes = 512
		w := newWriter(t, in(opts, "app.log"))
		r := follow(t, opts)
		r.pump(0)
		var lost uint64
		for i := range 10 {
			w.lines(60)
			// One chunk is read, so that the size is known and the rest is not read.
			c, err := r.tail.Next(t.Context(), time.Now().Add(2*time.Second))
			if err != nil || c == nil {
				t.Fatal(c, err)
			}
			r.take(c)
			st, err := os.Stat(w.path)
			if err != nil {
				t.Fatal(err)
			}
			lost += uint64(st.Size() - c.Offset - int64(len(c.Data)))
			copyFile(t, w.path, filepath.Join(away, fmt.Sprint(i)))
			truncate(t, w.path)
			r.drain()
		}
		if got := r.tail.Stats().GapBytes; got != lost {
			t.Errorf("gap %d, want %d", got, lost)
		}
		if r.got.n == 0 || r.got.n == w.want.n || r.bad != 0 {
			t.Errorf("%v, %d broken", r.got, r.bad)
		}
	})
}

func TestTwoFilesThatBeginAlikeAreBothRead(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"*.log*"}
		same := make([]byte, 0, 64<<10)
		for len(same) < 64<<10 {
			same = append(same, "a line that says nothing\n"...)
		}
		names := []string{"a.log", "b.log", "a.log.1", "a.log.2"}
		for _, name := range names {
			if err := os.WriteFile(in(opts, name), same, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var want tally
		next := uint64(0)
		for _, name := range names {
			w := newWriter(t, in(opts, name))
			w.next = next
			w.lines(5)
			next = w.next
			want.n, want.sum, want.squares = want.n+w.want.n, want.sum+w.want.sum, want.squares+w.want.squares
		}
		r := follow(t, opts)
		r.drain()
		empty := r.bad
		r.bad = 0
		r.check(want)
		if lines := 4 * len(same) / 25; empty != lines {
			t.Errorf("%d equal lines read, want %d", empty, lines)
		}
	})
}

func TestAFileThatIsFilledAgainWithLinesThatEndAlikeIsNoticed(t *testing.T) {
	// Lines of one length, the last 80 bytes of which never change: before the offset stands the same as before the truncation.
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		path := in(opts, "app.log")
		line := func(i int) string { return fmt.Sprintf("{\"at\":%09d%s}\n", i, strings.Repeat(" ", 80)) }
		r := follow(t, opts)
		for i := range 12 {
			text := ""
			for k := range 15 + i { // each time past the old offset, before anybody looks
				text += line(i*100 + k)
			}
			appendTo(t, path, text)
			if got := r.text(2 * time.Second); got != text {
				t.Fatalf("turn %d: got %d bytes, want the %d of this turn", i, len(got), len(text))
			}
			copyFile(t, path, fmt.Sprintf("%s.%d", path, 100-i))
			truncate(t, path)
		}
	})
}
