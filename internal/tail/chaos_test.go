package tail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// chaos is one log that is written and rotated in real time, about forty times a second, while a tailer that is often late and often
// killed reads it. What only happens between two system calls happens here.
type chaos struct {
	style   string // rename, copytruncate, or race: copytruncate with lines between the copy and the truncation
	path    string
	rng     *rand.Rand
	file    *os.File
	next    uint64        // serial number of the last line
	exposed int           // lines of serial number 0, which may be lost: they stood behind the copy
	rotated []chaosFile   // newest first
	keep    int           // of them, when they are read
	read    atomic.Uint64 // every line up to this one is committed
	trace   chaosTrace
}

type chaosFile struct {
	path string
	last uint64 // line in it
}

const chaosKept = 60 // rotated files that are not read yet

// chaosTrace keeps what writer and tailer did, in one order.
type chaosTrace struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (c *chaosTrace) Write(b []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.Write(b)
}

func (c *chaosTrace) note(format string, args ...any) {
	fmt.Fprintf(c, time.Now().Format("05.000000 ")+format+"\n", args...)
}

func (c *chaos) open() (err error) {
	c.file, err = os.OpenFile(c.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	return err
}

// lines appends n lines in one write.
func (c *chaos) lines(n int, exposed bool) error {
	var b bytes.Buffer
	for range n {
		i := uint64(0)
		if exposed {
			c.exposed++
		} else {
			c.next++
			i = c.next
		}
		fmt.Fprintf(&b, `{"i":%d,"score":0.%d,"pad":"%s"}`+"\n", i, c.next*7919%1000, bytes.Repeat([]byte("x"), int(c.next%50)))
	}
	_, err := c.file.Write(b.Bytes())
	return err
}

// write writes and rotates for a time.
func (c *chaos) write(d time.Duration) error {
	for end := time.Now().Add(d); time.Now().Before(end); {
		if err := c.lines(c.rng.IntN(30), false); err != nil {
			return err
		}
		pause(time.Duration(c.rng.IntN(10)) * time.Millisecond)
		if c.rng.IntN(5) > 0 {
			continue
		}
		times := 1
		if c.rng.IntN(20) == 0 {
			times = 10 // as a rotation by size does that was late
		}
		for range times {
			if err := errors.Join(c.rotate(), c.lines(c.rng.IntN(10), false)); err != nil {
				return err
			}
		}
	}
	return c.file.Close()
}

// pause is what the writer does between two writes; the world does not stand still meanwhile.
func pause(d time.Duration) { <-time.After(d) }

func (c *chaos) rotate() error {
	for n := len(c.rotated); n > c.keep && c.read.Load() >= c.rotated[n-1].last; n = len(c.rotated) {
		if err := os.Remove(c.rotated[n-1].path); err != nil { // retention deletes what was long read
			return err
		}
		c.rotated = c.rotated[:n-1]
	}
	st, err := c.file.Stat()
	if err != nil || len(c.rotated) >= chaosKept || c.style == "race" && st.Size() < 200 { // too short to be known by its beginning
		return err
	}
	for i := len(c.rotated) - 1; i >= 0; i-- {
		to := c.path + "." + strconv.Itoa(i+2)
		if err := os.Rename(c.rotated[i].path, to); err != nil {
			return err
		}
		c.rotated[i].path = to
	}
	to := c.path + ".1"
	c.trace.note("--- %s after line %d, size %d", c.style, c.next, st.Size())
	if c.style == "rename" {
		err = os.Rename(c.path, to)
		if err == nil && c.rng.IntN(2) == 0 {
			err = c.lines(3, false) // the writer was not told yet
		}
		err = errors.Join(err, c.file.Close(), c.open())
	} else {
		err = c.copyTruncate(to)
	}
	c.rotated = append([]chaosFile{{to, c.next}}, c.rotated...)
	return err
}

func (c *chaos) copyTruncate(to string) error {
	in, err := os.Open(c.path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	if err := errors.Join(err, out.Close()); err != nil {
		return err
	}
	if c.style == "race" {
		if err := c.lines(c.rng.IntN(20), true); err != nil {
			return err
		}
		pause(time.Duration(c.rng.Int64N(int64(120 * time.Millisecond))))
	}
	return c.file.Truncate(0)
}

// chaosReader reads that log.
type chaosReader struct {
	*reader
	c    *chaos
	rng  *rand.Rand
	last committed
}

func (r *chaosReader) pump(d time.Duration) {
	r.t.Helper()
	until := time.Now().Add(d)
	for {
		k, err := r.tail.Next(context.Background(), until)
		if err != nil {
			r.t.Fatal(err)
		}
		if k == nil {
			return
		}
		r.take(k)
		r.c.trace.note("    read %s %s at %d to %d: lines %s", k.Source.ID(), k.Source.Path(), k.Offset, k.Offset+int64(len(k.Data)), serials(k.Data))
	}
}

// serials names the first and last line of a chunk.
func serials(data []byte) string {
	lines := bytes.Split(bytes.TrimSuffix(data, []byte("\n")), []byte("\n"))
	first, _ := serial(lines[0])
	last, _ := serial(lines[len(lines)-1])
	return fmt.Sprintf("%d-%d", first, last)
}

func (r *chaosReader) save() {
	r.last = r.commit()
	n := r.c.read.Load()
	for r.last.lines[n+1] > 0 {
		n++
	}
	r.c.read.Store(n)
}

// step is what happens to the agent next.
func (r *chaosReader) step() {
	switch r.rng.IntN(10) {
	case 0:
		pause(time.Duration(r.rng.IntN(300)) * time.Millisecond) // others have the cores
	case 1:
		r.c.trace.note("KILL")
		r.kill(r.last)
	case 2, 3, 4:
		r.save()
	default:
		r.pump(time.Duration(r.rng.IntN(80)) * time.Millisecond)
	}
}

// finish reads until all is there, and a while longer for what would come twice.
func (r *chaosReader) finish() {
	for range 200 {
		r.pump(100 * time.Millisecond)
		r.save()
		if r.c.read.Load() == r.c.next && r.tail.Caught() {
			break
		}
	}
	r.pump(1500 * time.Millisecond)
}

func (r *chaosReader) judge() {
	r.t.Helper()
	var lost, doubled []uint64
	for i := uint64(1); i <= r.c.next; i++ {
		switch n := r.lines[i]; {
		case n == 0:
			lost = append(lost, i)
		case n > 1:
			doubled = append(doubled, i)
		}
	}
	if len(lost) == 0 && len(doubled) == 0 && r.bad == 0 && r.lines[0] <= r.c.exposed {
		return
	}
	r.t.Errorf("of %d lines %d were lost %v, %d doubled %v, %d broken; %d of %d exposed ones read; stats %+v",
		r.c.next, len(lost), some(lost), len(doubled), some(doubled), r.bad, r.lines[0], r.c.exposed, r.tail.Stats())
	if to := os.Getenv("PLUMBLINE_TAIL_TRACE"); to != "" {
		name := strings.NewReplacer("/", "-", "*", "x", " ", "-").Replace(r.t.Name())
		if err := os.WriteFile(to+"/"+name, r.c.trace.buf.Bytes(), 0o600); err != nil {
			r.t.Error(err)
		}
	}
}

// TestRotationsAtAnyMomentUnderKillsLoseAndDoubleNothing is short; PLUMBLINE_TAIL_CHAOS=1m makes it long, PLUMBLINE_TAIL_SEED another one, and
// PLUMBLINE_TAIL_TRACE names a folder for what happened in those that fail.
func TestRotationsAtAnyMomentUnderKillsLoseAndDoubleNothing(t *testing.T) {
	d, seed := 1500*time.Millisecond, uint64(1)
	if text := os.Getenv("PLUMBLINE_TAIL_CHAOS"); text != "" {
		var err error
		if d, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	if text := os.Getenv("PLUMBLINE_TAIL_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	for _, style := range []string{"rename", "copytruncate", "race"} {
		for _, glob := range []string{"app.log", "app.log*"} {
			for i, mode := range []string{"watching", "polling"} {
				t.Run(fmt.Sprintf("%s %s %s", style, glob, mode), func(t *testing.T) {
					t.Parallel()
					dir := realPath(t.TempDir())
					c := &chaos{style: style, path: dir + "/app.log", rng: rand.New(rand.NewPCG(seed, uint64(i))), keep: []int{4, 25}[(int(seed)+i+len(glob))%2]}
					opts := Options{Dir: dir, Include: []string{glob}, Logger: slog.New(slog.NewTextHandler(&c.trace, &slog.HandlerOptions{Level: slog.LevelDebug}))}
					if mode == "polling" {
						opts.watch = func() (watcher, error) { return nil, errNoWatcher }
					}
					if err := errors.Join(c.open(), c.lines(20, false)); err != nil {
						t.Fatal(err)
					}
					r := &chaosReader{reader: follow(t, opts), c: c, rng: rand.New(rand.NewPCG(seed, uint64(i)+100))}
					r.pump(100 * time.Millisecond) // what was rotated before the first look is nobody's business
					r.save()
					over := make(chan error, 1)
					go func() { over <- c.write(d) }()
					for written := false; !written; r.step() {
						select {
						case err := <-over:
							if err != nil {
								t.Fatal(err)
							}
							written = true
						default:
						}
					}
					r.finish()
					r.judge()
				})
			}
		}
	}
}
