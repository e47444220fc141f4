package tail

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// tickInterval is how often notifications are taken and files on their way out are looked at.
const tickInterval = 50 * time.Millisecond

// Chunk is a stretch of whole lines of one file.
type Chunk struct {
	Source *Source
	Data   []byte // ends with '\n', except after the last line of a finished file; valid until the next call of Next
	Offset int64  // of Data[0] in the file, after decompression
	First  bool   // nothing of this source was handed out since the start of the process
}

// Tailer follows files. See the package comment for what it promises.
type Tailer struct {
	opts             Options
	log              *slog.Logger
	include, exclude []*pattern
	roots            []string

	watch    watcher // nil means that everything is polled
	byWatch  map[int32]*dir
	dirs     map[string]*dir // by real path
	order    []*dir          // the same, in the order in which they are swept
	cursor   int
	noted    bool                // the one warning about polling was given
	listings map[string]*listing // of this tick

	matches  map[string]*match    // matched paths that lead to a file
	refused  map[string]string    // matched paths that do not, by reason; bounded by MaxFiles
	lineages map[string]*lineage  // by matched path
	byInode  map[inodeKey]*Source // everything that is followed and has or had a name here
	touched  []dirBase            // names that notifications were about, in their order, looked at once a tick
	marked   map[dirBase]struct{} // the same, to have each once
	moving   []move               // renames whose other half has not come yet
	copied   []*lineage           // that got a rotated file which was not their live one
	unsorted []*lineage           // whose members may have changed their names
	loose    []*Source            // whose names changed and which settle looks at
	leaving  []*Source            // renamed away or deleted, and read to their end
	twins    []*Source            // copies of files that are still there
	ghosts   []*Source            // finished, and remembered for a while
	hot      []*Source            // in polled folders and growing
	guard    guard
	ready    queue              // of sources that may have something to read
	open     []*Source          // with an open descriptor
	pinned   *Source            // its descriptor is in use while another file is opened
	saved    []record           // from Options.State, until the first look
	cuts     map[inodeKey]int64 // files that were truncated while the agent was down, by what was read or counted of them

	nextSeq     uint64
	asOf        int64      // wall time of the last change of the state; 0 at the very first start
	stateBody   []byte     // as last returned
	scratch     []byte     // for the next one
	sorted      []*lineage // by path; nil when lineages came or went
	epoch       uint64     // number of the last scan of a folder
	uses        uint64     // clock of the least recently used descriptor
	fresh       bool       // no state was given and the first look is not over
	scanned     bool
	closed      bool
	nextTick    time.Time
	nextRoot    time.Time
	nextHot     time.Time
	nextUnstick time.Time
	buf         []byte
	head        []byte
	chunk       Chunk
	stats       Stats
}

var errClosed = errors.New("tail: closed")

// New checks the options and prepares; files are first looked at by Next.
func New(opts Options) (*Tailer, error) {
	if err := opts.complete(); err != nil {
		return nil, fmt.Errorf("tail: %w", err)
	}
	include, err := compileAll(opts.Dir, opts.Include)
	if err != nil {
		return nil, fmt.Errorf("tail: include %w", err)
	}
	exclude, err := compileAll(opts.Dir, opts.Exclude)
	if err != nil {
		return nil, fmt.Errorf("tail: exclude %w", err)
	}
	t := &Tailer{
		opts: opts, log: opts.Logger, include: include, exclude: exclude, roots: opts.roots(include),
		byWatch: map[int32]*dir{}, dirs: map[string]*dir{}, matches: map[string]*match{}, refused: map[string]string{},
		lineages: map[string]*lineage{}, byInode: map[inodeKey]*Source{}, marked: map[dirBase]struct{}{},
		fresh: opts.State == nil, nextSeq: 1,
		buf: make([]byte, frontierSize+opts.ChunkBytes), head: make([]byte, headSize),
		stats: newStats(),
	}
	if opts.State != nil {
		if err := t.restore(opts.State); err != nil {
			// State that cannot be read must not keep the agent from starting; the snapshot below it has checksums, so
			// this is a version that we do not know.
			t.log.Warn("tail: positions could not be read, files are read from their beginning", "error", err)
			t.fresh = true
		}
	}
	t.opts.State = nil
	start := opts.watch
	if start == nil {
		start = newWatcher
	}
	if t.watch, err = start(); err != nil {
		t.watch = nil
		t.warnPolling("no change notifications: files are polled", err)
	}
	return t, nil
}

// warnPolling says once, however many folders it is about, that files are polled.
func (t *Tailer) warnPolling(text string, err error) {
	if !t.noted {
		t.noted = true
		t.log.Warn("tail: "+text, "error", err, "interval", t.opts.PollInterval)
	}
}

// Next returns the next chunk, or waits for one until ctx is done or the time until has come; then it returns
// (nil, nil). Sources take turns, one chunk each.
func (t *Tailer) Next(ctx context.Context, until time.Time) (*Chunk, error) {
	for {
		if t.closed {
			return nil, errClosed
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		now := time.Now()
		if !now.Before(t.nextTick) {
			t.tick(now)
			t.guard.wakes = 0
			t.nextTick = now.Add(tickInterval)
		}
		if t.serve(now) {
			t.guard.lastRead = now
			return &t.chunk, nil
		}
		wait := min(until.Sub(now), t.nextTick.Sub(now))
		if until.Sub(now) <= 0 {
			return nil, nil
		}
		if err := t.rest(ctx, now, wait); err != nil {
			return nil, err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// tick looks at what changed since the last one.
func (t *Tailer) tick(now time.Time) {
	if !t.scanned {
		t.firstLook(now)
		return
	}
	t.events(now)
	t.visitRoots(now)
	t.sweep(now)
	t.settle(now)
	t.tendLeaving(now)
	t.forgetGhosts()
	t.unstick(now)
	clear(t.listings)
}

// unstick queues what is to be read next in lineages of several files, should nobody have done so: when names and
// truncations come to be known in another order than they happened, the file that a source waited for may have moved behind it.
func (t *Tailer) unstick(now time.Time) {
	if now.Before(t.nextUnstick) {
		return
	}
	t.nextUnstick = now.Add(time.Second)
	for _, l := range t.lineages {
		if len(l.members) < 2 {
			continue
		}
		for _, s := range l.members {
			if !s.drained && !s.done && !s.stuck {
				t.ready.push(s)
				break
			}
		}
	}
}

// Caught says whether every known file was read to its end at the last look.
func (t *Tailer) Caught() bool {
	if !t.scanned || t.ready.len() > 0 {
		return false
	}
	for _, s := range t.byInode {
		if s.unread() > 0 && !s.partial {
			return false
		}
	}
	return true
}

// Close releases the descriptors. State may be called after it, Next may not.
func (t *Tailer) Close() error {
	if t.closed {
		return nil
	}
	t.closed = true
	for len(t.open) > 0 {
		t.open[0].close()
	}
	if t.watch != nil {
		t.watch.close()
	}
	return nil
}
