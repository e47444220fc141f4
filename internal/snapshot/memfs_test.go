package snapshot

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"syscall"
)

// memFS is a file system that remembers what was synced. crash() leaves what a power cut may leave: synced bytes,
// any subset of the 512-byte sectors written since, and a prefix of the names changed since the folder was
// synced. Every operation that changes something has a number, so a test can fail or stop at each of them.
type memFS struct {
	names   map[string]*inode // as the running program sees them
	durable map[string]*inode
	renames []func(map[string]*inode) // since the last SyncDir, in order
	locked  map[string]bool

	op     int   // operations so far
	failAt int   // operation that fails; 0 means none
	err    error // what it fails with
	stick  bool  // all later operations fail too (power is gone, or the disk stays full)
	torn   bool  // the failing write writes its first half
	space  int64 // bytes that may still be written; negative means no limit
}

type inode struct {
	data    []byte
	durable []byte
}

func newMemFS() *memFS {
	return &memFS{names: map[string]*inode{}, durable: map[string]*inode{}, locked: map[string]bool{}, space: -1}
}

// step counts one operation and says whether it fails.
func (m *memFS) step() error {
	m.op++
	if m.failAt > 0 && (m.op == m.failAt || m.stick && m.op > m.failAt) {
		return m.err
	}
	return nil
}

// crash forgets what was not durable, choosing with rng what of it survived anyway, and starts a new life.
func (m *memFS) crash(rng *rand.Rand) {
	for _, change := range m.renames[:rng.IntN(len(m.renames)+1)] {
		change(m.durable)
	}
	next := newMemFS()
	for name, node := range m.durable {
		data := slices.Clone(node.durable)
		size := len(data) // the length itself may or may not have been written
		if rng.IntN(2) == 0 {
			size = len(node.data)
		}
		kept := make([]byte, size)
		copy(kept, data)
		for at := 0; at < size; at += 512 {
			if end := min(at+512, size, len(node.data)); end > at && rng.IntN(2) == 0 {
				copy(kept[at:end], node.data[at:end])
			}
		}
		n := &inode{data: kept, durable: slices.Clone(kept)}
		next.names[name], next.durable[name] = n, n
	}
	*m = *next
}

func (m *memFS) MkdirAll(string, fs.FileMode) error { return nil }

func (m *memFS) OpenFile(name string, flag int, _ fs.FileMode) (File, error) {
	node, ok := m.names[name]
	if flag&os.O_CREATE == 0 {
		if !ok {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		return &memFile{m, node}, nil
	}
	if err := m.step(); err != nil {
		return nil, err
	}
	if !ok {
		node = &inode{}
		m.names[name] = node
		m.renames = append(m.renames, func(d map[string]*inode) { d[name] = node })
	}
	if flag&os.O_TRUNC != 0 {
		node.data = nil
	}
	return &memFile{m, node}, nil
}

func (m *memFS) Rename(from, to string) error {
	if err := m.step(); err != nil {
		return err
	}
	node, ok := m.names[from]
	if !ok {
		return fs.ErrNotExist
	}
	change := func(d map[string]*inode) { d[to] = node; delete(d, from) }
	change(m.names)
	m.renames = append(m.renames, change)
	return nil
}

func (m *memFS) Remove(name string) error {
	if err := m.step(); err != nil {
		return err
	}
	change := func(d map[string]*inode) { delete(d, name) }
	change(m.names)
	m.renames = append(m.renames, change)
	return nil
}

func (m *memFS) SyncDir(string) error {
	if err := m.step(); err != nil {
		return err
	}
	for _, change := range m.renames {
		change(m.durable)
	}
	m.renames = nil
	return nil
}

type memLock func()

func (l memLock) Close() error { l(); return nil }

func (m *memFS) Lock(name string) (io.Closer, error) {
	if m.locked[name] {
		return nil, ErrLocked
	}
	m.locked[name] = true
	return memLock(func() { delete(m.locked, name) }), nil
}

type memFile struct {
	fs *memFS
	*inode
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(f.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	err := f.fs.step()
	if err != nil && f.fs.torn {
		f.put(p[:len(p)/2], off)
	}
	if err != nil {
		return 0, err
	}
	if f.fs.space >= 0 {
		grow := max(0, off+int64(len(p))-int64(len(f.data)))
		if grow > f.fs.space {
			n := len(p) - int(grow-f.fs.space)
			f.put(p[:max(0, n)], off)
			f.fs.space = 0
			return max(0, n), syscall.ENOSPC
		}
		f.fs.space -= grow
	}
	f.put(p, off)
	return len(p), nil
}

func (f *memFile) put(p []byte, off int64) {
	if need := int(off) + len(p); need > len(f.data) {
		f.data = append(f.data, make([]byte, need-len(f.data))...)
	}
	copy(f.data[off:], p)
}

func (f *memFile) Sync() error {
	if err := f.fs.step(); err != nil {
		return err
	}
	f.durable = slices.Clone(f.data)
	return nil
}

func (f *memFile) Truncate(size int64) error {
	if err := f.fs.step(); err != nil {
		return err
	}
	if freed := int64(len(f.data)) - size; freed > 0 && f.fs.space >= 0 {
		f.fs.space += freed
	}
	f.data = append([]byte(nil), f.data[:min(size, int64(len(f.data)))]...)
	return nil
}

func (f *memFile) Size() (int64, error) { return int64(len(f.data)), nil }
func (f *memFile) Close() error         { return nil }

// clone copies the file system as it stands, so that one history can be damaged in many ways.
func (m *memFS) clone() *memFS {
	c := newMemFS()
	for name, node := range m.names {
		n := &inode{data: slices.Clone(node.data), durable: slices.Clone(node.data)}
		c.names[name], c.durable[name] = n, n
	}
	return c
}

func (m *memFS) file(base string) *inode {
	return m.names[filepath.Join("state", base)]
}

// crc32Of is the little-endian CRC-32C of b.
func crc32Of(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(nil, crc32.Checksum(b, castagnoli))
}
