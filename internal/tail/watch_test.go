package tail

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// scarce is a watcher that runs out of watches, or loses every so many events.
type scarce struct {
	watcher
	left     int
	loseEach int
	drains   int
}

func (s *scarce) add(dir string, files bool) (int32, error) {
	if s.left == 0 {
		return 0, syscall.ENOSPC
	}
	s.left--
	return s.watcher.add(dir, files)
}

func (s *scarce) drain(yield func(event)) bool {
	s.drains++
	if s.loseEach > 0 && s.drains%s.loseEach == 0 {
		s.watcher.drain(func(event) {})
		return true
	}
	return s.watcher.drain(yield)
}

func TestExhaustedWatchesCostOneWarningAndNoLine(t *testing.T) {
	for _, left := range []int{-1, 0, 1, 3} {
		t.Run(fmt.Sprintf("%d watches", left), func(t *testing.T) {
			modesOnly(t, "watching", func(t *testing.T, opts Options) {
				var log bytes.Buffer
				opts.Logger = slog.New(slog.NewTextHandler(&log, nil))
				opts.Include = []string{"*/app.log"}
				opts.watch = func() (watcher, error) {
					if left < 0 {
						return nil, syscall.EMFILE
					}
					w, err := newVirtual()
					return &scarce{watcher: w, left: left}, err
				}
				r := follow(t, opts)
				r.pump(0)
				w := newWriterIn(t, opts, "d0")
				for i := range 8 {
					w.lines(20)
					r.pump(1200 * time.Millisecond)
					w.lines(5)
					w.rotate(fmt.Sprintf("%s.%d", w.path, 100-i))
					w.lines(2)
					next := newWriterIn(t, opts, fmt.Sprintf("d%d", i%5))
					next.next, next.want = w.next, w.want
					w = next
					w.lines(3)
					r.pump(1200 * time.Millisecond)
				}
				r.drain()
				r.check(w.want)
				if n := strings.Count(log.String(), "level=WARN"); n != 1 {
					t.Errorf("%d warnings, want 1:\n%s", n, log.String())
				}
				if !r.tail.Stats().Polling {
					t.Error("Stats does not say that folders are polled")
				}
			})
		})
	}
}

func newWriterIn(t *testing.T, opts Options, dir string) *lineWriter {
	t.Helper()
	if err := os.MkdirAll(in(opts, dir), 0o755); err != nil {
		t.Fatal(err)
	}
	return newWriter(t, in(opts, dir, "app.log"))
}

func TestLostNotificationsAreMadeUpForByLooking(t *testing.T) {
	modesOnly(t, "watching", func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		opts.watch = func() (watcher, error) {
			w, err := newVirtual()
			return &scarce{watcher: w, left: 100, loseEach: 3}, err
		}
		w := newWriter(t, in(opts, "app.log"))
		r := follow(t, opts)
		r.pump(0)
		for i := range 60 {
			w.lines(5)
			r.pump(20 * time.Millisecond)
			w.rotate(fmt.Sprintf("%s-20261123-%06d", w.path, i))
			w.lines(5)
			w.reopen()
			if i%2 == 0 {
				w.lines(3)
				w.rotate(fmt.Sprintf("%s-20261123-%06d.5", w.path, i))
				w.reopen()
			}
			r.pump(130 * time.Millisecond)
		}
		r.drain()
		r.check(w.want)
	})
}

func TestClockJumpsChangeNothing(t *testing.T) {
	// Only differences of the monotonic clock count; the wall clock is in no decision but the age of files that
	// appeared while the agent was down.
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		w := newWriter(t, in(opts, "app.log"))
		r := follow(t, opts)
		for i := range 10 {
			w.lines(10)
			stamp := time.Now().Add(time.Duration(i-5) * 24 * time.Hour)
			if err := os.Chtimes(w.path, stamp, stamp); err != nil {
				t.Fatal(err)
			}
			r.drain()
			w.rotate(fmt.Sprintf("%s.%d", w.path, 20-i))
			w.reopen()
			r.restart(r.tail.State())
		}
		r.drain()
		r.check(w.want)
	})
}
