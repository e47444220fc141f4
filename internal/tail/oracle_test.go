package tail

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"
)

// tally is the oracle: loss and duplication cannot cancel in all three.
type tally struct {
	n, sum, squares uint64
}

func (c *tally) add(i uint64) { c.n++; c.sum += i; c.squares += i * i }

func (c tally) String() string {
	return fmt.Sprintf("%d lines, sum %d, squares %d", c.n, c.sum, c.squares)
}

// writer appends serial-numbered lines to a file, as a model server would.
type lineWriter struct {
	t    *testing.T
	path string
	f    *os.File
	next uint64
	want tally
}

func newWriter(t *testing.T, path string) *lineWriter {
	w := &lineWriter{t: t, path: path}
	w.reopen()
	t.Cleanup(func() { w.f.Close() })
	return w
}

// reopen creates the file again, as a writer does after a rotation.
func (w *lineWriter) reopen() {
	w.t.Helper()
	if w.f != nil {
		w.f.Close()
	}
	f, err := os.OpenFile(w.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		w.t.Fatal(err)
	}
	w.f = f
}

func (w *lineWriter) lines(n int) {
	w.t.Helper()
	var b bytes.Buffer
	for range n {
		w.next++
		w.want.add(w.next)
		fmt.Fprintf(&b, `{"i":%d,"score":0.%d,"label":"ham","pad":"%s"}`+"\n", w.next, w.next*7919%1000, bytes.Repeat([]byte("x"), int(w.next%50)))
	}
	if _, err := w.f.Write(b.Bytes()); err != nil {
		w.t.Fatal(err)
	}
}

func (w *lineWriter) rotate(to string) {
	w.t.Helper()
	if err := os.Rename(w.path, to); err != nil {
		w.t.Fatal(err)
	}
}

// reader is a Tailer whose lines are counted.
type reader struct {
	t     *testing.T
	tail  *Tailer
	opts  Options
	got   tally
	lines map[uint64]int // how often each came, to name what is wrong
	bad   int
	order []string // sources in the order of their first chunks
}

func follow(t *testing.T, opts Options) *reader {
	t.Helper()
	r := &reader{t: t, opts: opts, lines: map[uint64]int{}}
	r.start(opts.State)
	return r
}

func (r *reader) start(state []byte) {
	r.t.Helper()
	opts := r.opts
	opts.State = state
	tail, err := New(opts)
	if err != nil {
		r.t.Fatal(err)
	}
	r.tail = tail
	r.t.Cleanup(func() { tail.Close() })
}

// restart drops the Tailer without a word, as SIGKILL would, and starts another one from what was committed.
func (r *reader) restart(state []byte) {
	r.t.Helper()
	r.tail.Close()
	r.start(state)
}

func serial(line []byte) (uint64, bool) {
	rest, ok := bytes.CutPrefix(line, []byte(`{"i":`))
	if !ok {
		return 0, false
	}
	number, _, ok := bytes.Cut(rest, []byte(","))
	if !ok || !bytes.HasSuffix(line, []byte("}")) {
		return 0, false
	}
	i, err := strconv.ParseUint(string(number), 10, 64)
	return i, err == nil
}

func (r *reader) take(c *Chunk) {
	if c.First {
		r.order = append(r.order, c.Source.Path())
	}
	for line := range bytes.Lines(c.Data) {
		i, ok := serial(bytes.TrimSuffix(line, []byte("\n")))
		if !ok {
			r.bad++
			continue
		}
		r.got.add(i)
		r.lines[i]++
	}
}

// pump reads for a time, which passes at once under synctest.
func (r *reader) pump(d time.Duration) {
	r.t.Helper()
	until := time.Now().Add(d)
	for {
		c, err := r.tail.Next(context.Background(), until)
		if err != nil {
			r.t.Fatal(err)
		}
		if c == nil {
			return
		}
		r.take(c)
	}
}

// drain reads until everything is caught up, looking for at least the time that a slow look needs.
func (r *reader) drain() {
	r.t.Helper()
	for range 20 {
		r.pump(2500 * time.Millisecond)
		if r.tail.Caught() {
			return
		}
	}
	r.t.Fatalf("not caught up; %+v", r.tail.Stats())
}

// check compares with what was written.
func (r *reader) check(want tally) {
	r.t.Helper()
	if r.got == want && r.bad == 0 {
		return
	}
	lost, doubled := []uint64{}, []uint64{}
	for i := uint64(1); i <= want.n; i++ {
		switch n := r.lines[i]; {
		case n == 0:
			lost = append(lost, i)
		case n > 1:
			doubled = append(doubled, i)
		}
	}
	r.t.Fatalf("got %v, want %v; %d lost %v, %d doubled %v, %d broken; stats %+v", r.got, want, len(lost), some(lost), len(doubled), some(doubled), r.bad, r.tail.Stats())
}

// settled reads what is left, and for a while longer what would come twice, and compares with what was written.
func (r *reader) settled(want tally) {
	r.t.Helper()
	r.drain()
	r.pump(time.Minute)
	r.check(want)
	if st := r.tail.Stats(); st.GapBytes != 0 {
		r.t.Errorf("gap %d", st.GapBytes)
	}
}

func some(list []uint64) []uint64 { return list[:min(len(list), 12)] }

// virtual waits in virtual time, in which the kernel cannot wake anybody.
type virtual struct{ watcher }

func newVirtual() (watcher, error) {
	w, err := newWatcher()
	return virtual{w}, err
}

func (virtual) wait(d time.Duration, _ bool) bool {
	time.Sleep(d)
	return false
}

// modes runs a test with notifications and with polling, in virtual time.
func modes(t *testing.T, test func(t *testing.T, opts Options)) {
	for _, mode := range []struct {
		name  string
		watch func() (watcher, error)
	}{
		{"watching", newVirtual},
		{"polling", func() (watcher, error) { return nil, errNoWatcher }},
	} {
		t.Run(mode.name, func(t *testing.T) {
			dir := realPath(t.TempDir())
			synctest.Test(t, func(t *testing.T) {
				test(t, Options{Dir: dir, watch: mode.watch})
			})
		})
	}
}

// modesOnly runs one of the modes.
func modesOnly(t *testing.T, mode string, test func(t *testing.T, opts Options)) {
	t.Run(mode, func(t *testing.T) {
		dir := realPath(t.TempDir())
		synctest.Test(t, func(t *testing.T) {
			opts := Options{Dir: dir, watch: newVirtual}
			if mode == "polling" {
				opts.watch = func() (watcher, error) { return nil, errNoWatcher }
			}
			test(t, opts)
		})
	})
}

func in(opts Options, elem ...string) string {
	return filepath.Join(append([]string{opts.Dir}, elem...)...)
}
