package tail

import (
	"errors"
	"fmt"
	"path/filepath"
)

// ReadOnce reads one file from start to end, plain, .gz or .zst by its first bytes, in the same chunks and with the same
// limits as a followed file. A chunk is valid until yield returns. Of the options only MaxLineBytes and
// ChunkBytes are used; path may be a symbolic link.
func ReadOnce(path string, opts Options, yield func(*Chunk) error) error {
	opts.Include = []string{path}
	if err := opts.complete(); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	abs, err := filepath.Abs(path)
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	t := &Tailer{opts: opts, log: opts.Logger, roots: []string{abs}, buf: make([]byte, frontierSize+opts.ChunkBytes),
		head: make([]byte, headSize), refused: map[string]string{}, stats: newStats()}
	n := &name{dir: &dir{real: filepath.Dir(abs)}, base: filepath.Base(abs)}
	st, err := statPath(abs)
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	s := &Source{t: t, seq: 1, id: st.id, path: path, fd: -1, size: st.size, mtime: st.mtime, names: []*name{n}, closing: true}
	s.line = &lineage{path: path, members: []*Source{s}}
	defer s.close()
	for {
		got, err := t.read(s, s.grown)
		if err != nil {
			return fmt.Errorf("read %s: %w", path, unwrapPath(err))
		}
		if !got {
			break
		}
		if err := yield(&t.chunk); err != nil {
			return err
		}
	}
	if s.stuck {
		return fmt.Errorf("read %s: %w", path, errIncomplete)
	}
	return nil
}

// unwrapPath drops the path that an error from the system repeats.
func unwrapPath(err error) error {
	var p interface{ Unwrap() error }
	if errors.As(err, &p) {
		if inner := p.Unwrap(); inner != nil {
			return inner
		}
	}
	return err
}
