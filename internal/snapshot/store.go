package snapshot

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"sync"
)

const (
	suffixCurrent  = ".state"
	suffixPrevious = ".prev"
	suffixTemp     = ".tmp"
	suffixLock     = ".lock"

	defaultCompactBytes = 32 << 20
	bufferSize          = 64 << 10
)

// Options of a Store; the zero value is complete.
type Options struct {
	FS           FS    // nil means the real file system
	CompactBytes int64 // the file is written anew beyond this size; 0 means 32 MiB
}

// Section is a named piece of state.
type Section struct {
	Name string
	Data []byte
}

// LoadReport says what Open found.
type LoadReport struct {
	Commits   uint64   // sequence number of the commit that was recovered; 0 means empty
	Recovered []string // Reason constants; empty when the file was whole, or there was none
}

// Store is an open state file. See the package comment for what it promises.
type Store struct {
	fs      FS
	dir     string
	path    string
	compact int64

	mu      sync.Mutex // guards everything below
	lock    io.Closer
	gen     generation
	pending batch  // of commits that failed; part of every later commit until one succeeds
	buffer  []byte // for streaming; reused
	seq     uint64 // last number given to a frame, whether it was committed or not
	closed  bool

	// rewrite says that the file must not be appended to: its tail is unknown (a sync failed, a torn write could
	// not be cut off), damaged, or it is not the current generation.
	rewrite bool
	// keepCurrent says that the file under the current name is the one in gen, so it becomes the previous
	// generation when the next one takes its place. A damaged one must not push out a good previous one.
	keepCurrent bool
}

// batch is what a commit changes: nil data with removed set means remove.
type batch map[string]change

type change struct {
	data    []byte
	removed bool
}

var errClosed = errors.New("snapshot: store is closed")

// Open opens or creates dir/name.state, takes dir/name.lock and recovers the last commit that can be trusted.
// It fails when the folder cannot be made or read, or another agent holds the lock, never for what the
// file holds.
func Open(dir string, name string, opts Options) (*Store, LoadReport, error) {
	var report LoadReport
	if name == "" || name != filepath.Base(name) {
		return nil, report, fmt.Errorf("open state: %q is not a plain file name", name)
	}
	s := &Store{fs: opts.FS, dir: dir, path: filepath.Join(dir, name+suffixCurrent), compact: opts.CompactBytes}
	if s.fs == nil {
		s.fs = osFS{}
	}
	if s.compact <= 0 {
		s.compact = defaultCompactBytes
	}
	s.buffer = make([]byte, bufferSize)
	if err := s.fs.MkdirAll(dir, 0o700); err != nil {
		return nil, report, fmt.Errorf("create state folder: %w", err)
	}
	lock, err := s.fs.Lock(filepath.Join(dir, name+suffixLock))
	if err != nil {
		return nil, report, fmt.Errorf("lock state folder %s: %w", dir, err)
	}
	s.lock = lock
	if err := s.load(&report); err != nil {
		return nil, report, errors.Join(fmt.Errorf("read state in %s: %w", dir, err), lock.Close())
	}
	s.seq = s.gen.seq
	return s, report, nil
}

// Section returns a fresh copy of a section as of the last commit. False means that there is none, or that the
// disk no longer gives back what was written.
func (s *Store) Section(name string) ([]byte, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	loc, ok := s.gen.index[name]
	if !ok || s.closed {
		return nil, false
	}
	data := make([]byte, 0, loc.size)
	err := copySection(func(p []byte) error { data = append(data, p...); return nil }, s.gen.file, loc, s.buffer)
	return data, err == nil
}

// Names returns the names of all sections as of the last commit, sorted.
func (s *Store) Names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Sorted(maps.Keys(s.gen.index))
}

// Size is the length of the current file.
func (s *Store) Size() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gen.end
}

// Commit makes the changes durable together. On an error the commit before stays what a restart finds, or, when
// only the last sync failed, this one as a whole; the changes are kept in memory and are part of the next Commit,
// so a caller goes on by committing what changed since.
// A name that is both removed and changed is changed. Data is not kept after a success.
func (s *Store) Commit(changed []Section, removed []string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	b := make(batch, len(changed)+len(removed)+len(s.pending))
	maps.Copy(b, s.pending)
	for _, name := range removed {
		_, committed := s.gen.index[name]
		if _, waiting := s.pending[name]; committed || waiting {
			b[name] = change{removed: true}
		}
	}
	for _, c := range changed {
		if len(c.Name) > maxName || int64(len(c.Data)) > maxSection {
			return fmt.Errorf("commit state: section of %d bytes with a name of %d bytes is past the limits", len(c.Data), len(c.Name))
		}
		b[c.Name] = change{data: c.Data}
	}
	if len(b) == 0 {
		return nil
	}
	if err := s.write(b); err != nil {
		// The caller's slices may change after we return.
		for name, c := range b {
			if !c.removed {
				c.data = slices.Clone(c.data)
			}
			b[name] = c
		}
		s.pending = b
		return fmt.Errorf("commit state: %w", err)
	}
	s.pending = nil
	return nil
}

// Close releases the file and the lock. It does not commit.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return errors.Join(closeGeneration(&s.gen), s.lock.Close())
}
