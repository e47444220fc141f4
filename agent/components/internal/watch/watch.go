// Package watch tells when configuration files changed.
//
// A Watcher looks at a fixed list of files and folders (a folder stands for the files directly in it). It notices
// writes, renames, new and removed files, and the symlink swap by which Kubernetes updates a mounted ConfigMap.
// fsnotify makes it prompt; a look every Interval makes it work without inotify. It calls OnChange from one
// goroutine, once per change that has settled (two looks agree, so that nobody loads half a file), and never for a
// touch that changed neither size, time nor identity of any file. It holds at most MaxFiles fingerprints and reads no content.
package watch

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Limits and defaults.
const (
	MaxFiles        = 10_000 // files looked at in one folder; the rest is not seen
	DefaultInterval = 15 * time.Second
	DefaultSettle   = 250 * time.Millisecond
)

// Options of a Watcher.
type Options struct {
	Paths    []string      // files or folders; they need not exist yet
	OnChange func()        // required
	Interval time.Duration // between looks without an event; 0 = DefaultInterval
	Settle   time.Duration // quiet time after an event before a look; 0 = DefaultSettle
	Logger   *slog.Logger  // nil = discard
}

// Watcher watches. Use New, then Run.
type Watcher struct {
	opts   Options
	events *fsnotify.Watcher // nil when the system has no notifications to give
	last   uint64
}

// New takes the fingerprint that later looks are compared with. Call it before the files are loaded: a change
// between New and Run is then noticed by the first look, never lost.
func New(opts Options) (*Watcher, error) {
	if opts.OnChange == nil {
		return nil, errors.New("watch: OnChange is required")
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.Interval <= 0 {
		opts.Interval = DefaultInterval
	}
	if opts.Settle <= 0 {
		opts.Settle = DefaultSettle
	}
	w := &Watcher{opts: opts}
	w.last = w.fingerprint()
	var err error
	if w.events, err = fsnotify.NewWatcher(); err != nil {
		opts.Logger.Warn("no file notifications; changes are noticed by looking", "interval", opts.Interval, "err", err)
		w.events = nil
	}
	return w, nil
}

// Run watches until ctx is done, then releases what New opened.
func (w *Watcher) Run(ctx context.Context) {
	var events <-chan fsnotify.Event
	var errs <-chan error // must be drained, or the notifications stop behind it
	if w.events != nil {
		defer w.events.Close()
		events, errs = w.events.Events, w.events.Errors
	}
	w.subscribe()
	look := time.NewTimer(0) // what changed between New and Run
	defer look.Stop()
	seen := w.last // by the look before, when it was not acted upon yet
	for {
		select {
		case <-ctx.Done():
			return
		case _, open := <-events:
			if !open {
				events = nil
				continue
			}
			look.Reset(w.opts.Settle)
		case err, open := <-errs:
			if !open {
				errs = nil
				continue
			}
			w.opts.Logger.Debug("file notifications were lost", "err", err) // an overflow: look at everything
			look.Reset(w.opts.Settle)
		case <-look.C:
			w.subscribe()
			switch now := w.fingerprint(); {
			case now == w.last:
				seen = now
				look.Reset(w.opts.Interval)
			case now != seen: // perhaps half written: wait until two looks agree
				seen = now
				look.Reset(w.opts.Settle)
			default:
				w.last = now
				w.opts.OnChange()
				look.Reset(w.opts.Interval)
			}
		}
	}
}

// subscribe asks for events of every folder that matters. Asking again is free, and needed when a folder appeared
// later. A file is watched through its folder, because a rename over it would end a watch of the file itself.
func (w *Watcher) subscribe() {
	if w.events == nil {
		return
	}
	for _, p := range w.opts.Paths {
		dir := p
		if info, err := os.Stat(p); err != nil || !info.IsDir() {
			dir = filepath.Dir(p)
		}
		if err := w.events.Add(dir); err != nil {
			w.opts.Logger.Debug("folder is not watched", "dir", dir, "err", err)
		}
	}
}

// fingerprint sums up name, size, time and identity of all files. The sum is over the files that links lead to.
func (w *Watcher) fingerprint() uint64 {
	h := fnv.New64a()
	for _, p := range w.opts.Paths {
		info, err := os.Stat(p)
		switch {
		case err != nil:
			fmt.Fprintf(h, "%s absent\n", p)
		case !info.IsDir():
			add(h, p, info)
		default:
			entries, err := os.ReadDir(p)
			if err != nil {
				fmt.Fprintf(h, "%s unreadable\n", p)
			}
			for i, e := range entries {
				if i == MaxFiles {
					break
				}
				name := filepath.Join(p, e.Name())
				if info, err := os.Stat(name); err == nil && info.Mode().IsRegular() {
					add(h, name, info)
				}
			}
		}
	}
	return h.Sum64()
}

type writer interface{ Write([]byte) (int, error) }

func add(h writer, name string, info fs.FileInfo) {
	fmt.Fprintf(h, "%s %d %d %d\n", name, info.Size(), info.ModTime().UnixNano(), identity(info))
}
