package tail

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
)

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// text collects what is handed out, as it is.
func (r *reader) text(d time.Duration) string {
	r.t.Helper()
	var b strings.Builder
	until := time.Now().Add(d)
	for {
		c, err := r.tail.Next(r.t.Context(), until)
		if err != nil {
			r.t.Fatal(err)
		}
		if c == nil {
			return b.String()
		}
		b.Write(c.Data)
	}
}

func TestHalvesWrittenSecondsApartAreOneLine(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		path := in(opts, "app.log")
		appendTo(t, path, "whole\nfirst ha")
		r := follow(t, opts)
		if got := r.text(30 * time.Second); got != "whole\n" {
			t.Errorf("got %q", got)
		}
		r.restart(r.tail.State())
		appendTo(t, path, "lf, sec")
		if got := r.text(30 * time.Second); got != "" {
			t.Errorf("got %q before the newline", got)
		}
		appendTo(t, path, "ond half\nnext")
		if got := r.text(30 * time.Second); got != "first half, second half\n" {
			t.Errorf("got %q", got)
		}
		if !r.tail.Caught() {
			t.Error("half a line keeps Caught from being true")
		}
	})
}

func TestALastLineWithoutNewlineIsHandedOutOnceTheFileIsFinished(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		path := in(opts, "app.log")
		appendTo(t, path, "a\nlast")
		r := follow(t, opts)
		if got := r.text(time.Minute); got != "a\n" {
			t.Errorf("at first %q", got)
		}
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		appendTo(t, path, "b\n")
		if got := r.text(10 * time.Second); got != "b\nlast" && got != "lastb\n" {
			t.Errorf("after the rename %q", got)
		}
		appendTo(t, path, "c\nend")
		if got := r.text(10 * time.Second); got != "c\n" {
			t.Errorf("then %q", got)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if got := r.text(10 * time.Second); got != "end" {
			t.Errorf("after the removal %q", got)
		}
		r.restart(r.tail.State())
		if got := r.text(10 * time.Second); got != "" {
			t.Errorf("after a restart %q", got)
		}
	})
}

func TestALineOfMoreThanTheLimitIsSkippedInBoundedMemory(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		path := in(opts, "app.log")
		appendTo(t, path, "before\n")
		r := follow(t, opts)
		got := r.text(2 * time.Second)
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		piece := strings.Repeat("x", 1<<20)
		for i := range 64 {
			appendTo(t, path, piece)
			if i%16 == 0 {
				got += r.text(2 * time.Second)
			}
			if i == 40 { // in the middle of it
				r.restart(r.tail.State())
			}
		}
		got += r.text(2 * time.Second)
		runtime.ReadMemStats(&after)
		appendTo(t, path, "\nafter\n")
		got += r.text(2 * time.Second)
		if got != "before\nafter\n" {
			t.Errorf("got %d bytes, want the lines around the long one", len(got))
		}
		if n := r.tail.stats.Oversize; n != 0 { // it began before the restart
			t.Errorf("%d long lines counted after the restart, want none", n)
		}
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
			t.Errorf("the heap grew by %d bytes, want 8 MiB at the most", grown)
		}
	})
}

func TestTheLineLimitHoldsAtItsEdge(t *testing.T) {
	modesOnly(t, "watching", func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		for _, chunk := range []int{16, 100, 4096} {
			for _, limit := range []int{1, 15, 16, 17, 99, 100, 101, 300} {
				opts.ChunkBytes, opts.MaxLineBytes = chunk, limit
				var text, want strings.Builder
				oversize := 0
				for n := max(0, limit-3); n < limit+4; n++ {
					line := strings.Repeat(string(rune('a'+n%26)), n) + "\n"
					text.WriteString(line)
					if n > limit {
						oversize++
					} else {
						want.WriteString(line)
					}
				}
				path := in(opts, "app.log")
				os.Remove(path)
				appendTo(t, path, text.String())
				r := follow(t, opts)
				if got := r.text(2 * time.Second); got != want.String() || r.tail.Stats().Oversize != uint64(oversize) {
					t.Errorf("chunk %d, limit %d: got %q and %d long lines, want %q and %d", chunk, limit, got, r.tail.Stats().Oversize, want.String(), oversize)
				}
				r.tail.Close()
			}
		}
	})
}

func TestAHoleIsJumpedAndNULsAreKept(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		path := in(opts, "app.log")
		appendTo(t, path, "a\n\x00\x00b\x00\n\xff\xfe\n")
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		// As a writer without O_APPEND leaves it after its file was truncated.
		if _, err := f.WriteAt([]byte("c\nd"), 1<<30); err != nil {
			t.Fatal(err)
		}
		f.Close()
		start := time.Now()
		r := follow(t, opts)
		got := r.text(2 * time.Second)
		if want := "a\n\x00\x00b\x00\n\xff\xfe\nc\n"; got != want {
			t.Errorf("got %d bytes %.40q, want %q", len(got), got, want)
		}
		_ = start
		r.restart(r.tail.State())
		appendTo(t, path, "\n")
		if got := r.text(2 * time.Second); got != "d\n" {
			t.Errorf("then %q", got)
		}
		if st := r.tail.Stats(); st.GapBytes != 0 || st.Oversize != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestAHoleInALineIsPartOfALongLine(t *testing.T) {
	modesOnly(t, "watching", func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		path := in(opts, "app.log")
		appendTo(t, path, "a\nhalf")
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("c\nd\n"), 1<<30); err != nil {
			t.Fatal(err)
		}
		f.Close()
		r := follow(t, opts)
		if got := r.text(2 * time.Second); got != "a\nd\n" {
			t.Errorf("got %d bytes %.40q", len(got), got)
		}
		if n := r.tail.Stats().Oversize; n != 1 {
			t.Errorf("%d long lines, want 1", n)
		}
	})
}

func TestAHoleAtTheEndIsWaitedFor(t *testing.T) {
	modesOnly(t, "watching", func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		path := in(opts, "app.log")
		appendTo(t, path, "a\n")
		if err := os.Truncate(path, 1<<20); err != nil { // a file that was made large in advance
			t.Fatal(err)
		}
		opts.MaxLineBytes = 4 << 20
		r := follow(t, opts)
		got := r.text(2 * time.Second)
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("b\n"), 2); err != nil {
			t.Fatal(err)
		}
		f.Close()
		got += r.text(2 * time.Second)
		if got != "a\nb\n" {
			t.Errorf("got %.40q", got)
		}
	})
}

func TestChunksKeepOffsetsAndFirst(t *testing.T) {
	modesOnly(t, "watching", func(t *testing.T, opts Options) {
		opts.Include = []string{"*.log"}
		opts.ChunkBytes = 64
		var want bytes.Buffer
		for i := range 100 {
			fmt.Fprintf(&want, "line %d\n", i)
		}
		for _, name := range []string{"a.log", "b.log"} {
			appendTo(t, in(opts, name), want.String())
		}
		r := follow(t, opts)
		next := map[*Source]int64{}
		var turns []string
		for {
			c, err := r.tail.Next(t.Context(), time.Now().Add(time.Second))
			if err != nil {
				t.Fatal(err)
			}
			if c == nil {
				break
			}
			at, seen := next[c.Source]
			if c.Offset != at || c.First == seen {
				t.Fatalf("chunk at %d, first %v; want %d, %v", c.Offset, c.First, at, !seen)
			}
			if !bytes.Equal(c.Data, want.Bytes()[at:at+int64(len(c.Data))]) {
				t.Fatalf("chunk at %d holds %q", at, c.Data)
			}
			next[c.Source] += int64(len(c.Data))
			turns = append(turns, c.Source.Path())
		}
		for i := 2; i < len(turns)-2; i++ {
			if turns[i] == turns[i-1] {
				t.Fatalf("turn %d: one file had two turns", i)
			}
		}
		for _, n := range next {
			if n != int64(want.Len()) {
				t.Errorf("%d bytes, want %d", n, want.Len())
			}
		}
	})
}
