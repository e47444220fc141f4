package tail

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// Rotations in the middle of a look. What the tailer asks of the system, or says, is the moment at which they happen, so that each
// is the same in every run.

// atAdd rotates when the tailer asks for notifications of a folder for the second time: after it found the files of its state by their names,
// and before it compares names with the patterns.
type atAdd struct {
	watcher
	calls  int
	rotate func()
}

func (w *atAdd) add(path string, files bool) (int32, error) {
	if w.calls++; w.calls == 2 {
		w.rotate()
	}
	return w.watcher.add(path, files)
}

func TestALogThatIsRotatedWhileAStartLooksForItIsReadOn(t *testing.T) {
	for _, glob := range []string{"app.log", "app.log*"} {
		t.Run(glob, func(t *testing.T) {
			modesOnly(t, "watching", func(t *testing.T, opts Options) {
				opts.Include = []string{glob}
				w := newWriter(t, in(opts, "app.log"))
				w.lines(40)
				r := follow(t, opts)
				r.drain()
				state := r.tail.State()
				r.tail.Close()
				w.lines(10)
				real, err := newVirtual()
				if err != nil {
					t.Fatal(err)
				}
				hook := &atAdd{watcher: real, rotate: func() {
					w.rotate(w.path + ".1")
					w.reopen()
					w.lines(5)
				}}
				r.opts.watch = func() (watcher, error) { return hook, nil }
				r.start(state)
				r.drain()
				r.settled(w.want)
				if hook.calls < 2 {
					t.Errorf("nothing was rotated: the folder was asked for %d times", hook.calls)
				}
			})
		})
	}
}

// atNews rotates when the tailer says for the first time that a file is new, which is between two looks at names.
type atNews struct {
	slog.Handler
	rotate func()
}

func (h *atNews) Enabled(context.Context, slog.Level) bool { return true }

func (h *atNews) Handle(_ context.Context, r slog.Record) error {
	if rotate := h.rotate; rotate != nil && r.Message == "tail: a new file" {
		h.rotate = nil
		rotate()
	}
	return nil
}

func TestARotatedFileThatMovesOnBetweenTwoLooksAtNamesIsRead(t *testing.T) {
	modesOnly(t, "watching", func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		hook := &atNews{Handler: slog.DiscardHandler}
		opts.Logger = slog.New(hook)
		w := newWriter(t, in(opts, "app.log"))
		files := 0
		turn := func() {
			shiftUp(t, w.path, files)
			files++
			w.rotate(w.path + ".1")
			w.reopen()
			w.lines(7)
		}
		w.lines(3)
		r := follow(t, opts)
		r.pump(time.Second)
		for range 3 {
			turn()
			r.pump(time.Second)
		}
		for range 3 { // nobody looks
			turn()
		}
		rotated := false
		hook.rotate = func() { // now somebody does: between the name of the second file and that of the first
			rotated = true
			turn()
		}
		r.pump(time.Second)
		if !rotated {
			t.Error("no file was new")
		}
		r.settled(w.want)
	})
}

// shiftUp makes room for path.1.
func shiftUp(t *testing.T, path string, files int) {
	t.Helper()
	for k := files; k >= 1; k-- {
		if err := os.Rename(fmt.Sprintf("%s.%d", path, k), fmt.Sprintf("%s.%d", path, k+1)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestABurstOfRenamesIsReadOnceHoweverLongItsFilesStay(t *testing.T) {
	// More files than are remembered of one log, renamed faster than anybody looks or while somebody looks, and all of them stay.
	for _, glob := range []string{"app.log", "app.log*"} {
		t.Run(glob, func(t *testing.T) {
			modes(t, func(t *testing.T, opts Options) {
				opts.Include = []string{glob}
				w := newWriter(t, in(opts, "app.log"))
				r := follow(t, opts)
				w.lines(3)
				r.pump(time.Second)
				rng := rand.New(rand.NewPCG(7, 7))
				files := 0
				look := func(one int) {
					if rng.IntN(one) == 0 {
						r.pump(60 * time.Millisecond)
					}
				}
				turn := func() {
					for k := files; k >= 1; k-- {
						if err := os.Rename(fmt.Sprintf("%s.%d", w.path, k), fmt.Sprintf("%s.%d", w.path, k+1)); err != nil {
							t.Fatal(err)
						}
						look(files)
					}
					files++
					w.rotate(w.path + ".1")
					look(3)
					w.lines(1) // the writer was not told yet
					w.reopen()
				}
				for i := range 12 {
					times := 1
					if i%3 == 1 {
						times = 10
					}
					for range times {
						w.lines(2)
						turn()
					}
					w.lines(4)
					r.pump(3 * time.Second)
					if i%4 == 3 {
						r.restart(r.tail.State())
					}
				}
				r.settled(w.want)
			})
		})
	}
}
