package tail

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestWhileACopyIsMadeEveryWriteIsReadAtOnce takes the clock away: only being woken can make these chunks come.
func TestWhileACopyIsMadeEveryWriteIsReadAtOnce(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("notifications are read as Linux gives them")
	}
	opts := Options{Dir: realPath(t.TempDir()), Include: []string{"app.log"}}
	w := newWriter(t, in(opts, "app.log"))
	r := follow(t, opts)
	w.lines(10)
	r.pump(200 * time.Millisecond)
	r.tail.nextTick = time.Now().Add(time.Hour)
	next := func(what string) {
		t.Helper()
		c, err := r.tail.Next(t.Context(), time.Now().Add(30*time.Second))
		if err != nil || c == nil {
			t.Fatalf("%s: nothing was read: %v", what, err)
		}
		r.take(c)
	}
	for i := range 20 {
		w.lines(3)
		copyFile(t, w.path, in(opts, fmt.Sprintf("app.log.%d", 40-i)))
		next("before the copy")
		w.lines(2)
		next("after the copy")
		w.lines(1)
		next("once more")
		truncate(t, w.path)
		w.lines(1)
		r.tail.nextTick = time.Time{} // the guard is over
		next("after the truncation")
		r.tail.nextTick = time.Now().Add(time.Hour)
	}
	r.check(w.want)
	if st := r.tail.Stats(); st.GapBytes != 0 || st.Rotations[rotatedTruncate] != 20 {
		t.Errorf("gap %d, rotations %v", st.GapBytes, st.Rotations)
	}
	if n := len(r.tail.guard.suspects); n != 0 {
		t.Errorf("%d copies are waited for, though all truncations came", n)
	}
}

// TestCopytruncateUnderAWriterThatDoesNotStop is the real thing in real time: single lines, as fast as 5,000 a second, a copy and
// at once a truncation ten times a second. What is written between the last read of the copy and the
// truncation can be read in that moment only. The oracle knows exactly which lines those were: all others must come
// once, and of those no more bytes are counted as a gap than were lost.
func TestCopytruncateUnderAWriterThatDoesNotStop(t *testing.T) {
	if testing.Short() {
		t.Skip("writes for some seconds")
	}
	opts := Options{Dir: realPath(t.TempDir()), Include: []string{"app.log"}}
	w := newWriter(t, in(opts, "app.log"))
	r := follow(t, opts)
	r.pump(0)

	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var mu sync.Mutex // between the writer and the truncation, so that the oracle knows what was between them
	var work sync.WaitGroup
	exposed := map[uint64]int{} // length of each line that no copy has
	work.Go(func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			<-tick.C
			for range 10 {
				mu.Lock()
				w.lines(1)
				mu.Unlock()
			}
		}
	})
	turns := 0
	work.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			<-tick.C
			turns++
			to := in(opts, fmt.Sprintf("app.log.%d", 1000-turns))
			copyFile(t, w.path, to)
			mu.Lock()
			copied, err := os.Stat(to)
			if err == nil {
				err = noteFrom(w.path, copied.Size(), exposed)
			}
			truncate(t, w.path)
			mu.Unlock()
			if err != nil {
				t.Error(err)
			}
		}
	})
	for ctx.Err() == nil {
		c, err := r.tail.Next(t.Context(), time.Now().Add(20*time.Millisecond))
		if err != nil {
			t.Fatal(err)
		}
		if c != nil {
			r.take(c)
		}
	}
	work.Wait()
	r.drain()
	var lost, lostBytes int
	want := w.want
	for serial, length := range exposed {
		if r.lines[serial] == 0 {
			lost++
			lostBytes += length
			want = tally{want.n - 1, want.sum - serial, want.squares - serial*serial}
		}
	}
	r.check(want)
	gap := int(r.tail.Stats().GapBytes)
	t.Logf("%d lines, %d truncations, %d lines in no copy, %d of them lost (%d bytes), gap %d", w.want.n, turns, len(exposed), lost, lostBytes, gap)
	if gap > lostBytes {
		t.Errorf("gap %d, but only %d bytes were lost", gap, lostBytes)
	}
}

// noteFrom notes the lines of a file behind an offset.
func noteFrom(path string, offset int64, lines map[uint64]int) error {
	f, err := os.Open(filepath.Clean(path))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return err
	}
	rest, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	for len(rest) > 0 {
		n := 0
		for rest[n] != '\n' {
			n++
		}
		if i, ok := serial(rest[:n]); ok {
			lines[i] = n + 1
		}
		rest = rest[n+1:]
	}
	return nil
}
