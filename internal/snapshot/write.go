package snapshot

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"slices"
)

// write appends a frame, or writes a whole new generation when the file may not be appended to or has grown.
func (s *Store) write(b batch) error {
	if s.rewrite {
		return s.writeGeneration(b)
	}
	if s.gen.end >= max(s.compact, 3*s.gen.live) {
		// A failed compaction (a full disk has room for a frame, not for a file) is no reason to lose the commit.
		if err := s.writeGeneration(b); err == nil || s.rewrite {
			return err
		}
	}
	return s.appendFrame(b)
}

// appendFrame writes b behind the last good frame and syncs.
func (s *Store) appendFrame(b batch) error {
	names := slices.Sorted(maps.Keys(b))
	entries := make([]tableEntry, 0, len(names))
	for _, name := range names {
		entries = append(entries, b[name].entry(name))
	}
	s.seq++
	w := writer{file: s.gen.file, off: s.gen.end, buf: s.buffer[:0]}
	chain, data := w.head(kindDelta, s.seq, s.gen.chain, entries)
	for _, name := range names {
		w.write(b[name].data)
	}
	if err := w.flush(); err != nil {
		// What was written is no frame; cut it off so that the next one is not followed by its remains.
		s.rewrite = s.gen.file.Truncate(s.gen.end) != nil
		return err
	}
	if err := s.gen.file.Sync(); err != nil {
		// After a failed sync the kernel may have dropped the pages and call them clean: nothing that is appended
		// later could be trusted, so the next commit writes a new file.
		s.rewrite = true
		return err
	}
	s.gen.apply(entries, data)
	s.gen.seq, s.gen.chain, s.gen.end = s.seq, chain, w.off
	return nil
}

// writeGeneration writes every section with b applied into a new file and puts it in place of the current one.
// The order matters: the new file is durable before a name changes, and the current file takes the previous one's
// name in the same step in which it stops being current, so at every moment one complete file has a known name.
func (s *Store) writeGeneration(b batch) error {
	temp := s.path + suffixTemp
	next, err := s.buildGeneration(temp, b)
	if err != nil {
		_ = s.fs.Remove(temp)
		return err
	}
	if s.keepCurrent {
		if err := s.fs.Rename(s.path, s.path+suffixPrevious); err != nil {
			_ = next.file.Close()
			_ = s.fs.Remove(temp)
			return err
		}
	}
	if err := s.fs.Rename(temp, s.path); err != nil {
		if s.keepCurrent && s.fs.Rename(s.path+suffixPrevious, s.path) != nil {
			// The file that we hold now only has the previous one's name.
			s.keepCurrent, s.rewrite = false, true
		}
		_ = next.file.Close()
		_ = s.fs.Remove(temp)
		return err
	}
	_ = closeGeneration(&s.gen)
	s.gen, s.keepCurrent, s.rewrite = *next, true, false
	if err := s.fs.SyncDir(s.dir); err != nil {
		// The names may not survive a crash; do it all again next time.
		s.rewrite = true
		return err
	}
	return nil
}

func (s *Store) buildGeneration(temp string, b batch) (_ *generation, err error) {
	names := make([]string, 0, len(s.gen.index)+len(b))
	for name := range s.gen.index {
		if _, ok := b[name]; !ok {
			names = append(names, name)
		}
	}
	for name, c := range b {
		if !c.removed {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	entries := make([]tableEntry, 0, len(names))
	for _, name := range names {
		if c, ok := b[name]; ok {
			entries = append(entries, c.entry(name))
			continue
		}
		loc := s.gen.index[name]
		entries = append(entries, tableEntry{name: name, op: opSet, size: loc.size, crc: loc.crc})
	}

	f, err := s.fs.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	s.seq++
	// The buffer is halved: one half gathers writes, the other reads sections from the old file.
	half := len(s.buffer) / 2
	w := writer{file: f, buf: s.buffer[:0:half]}
	g := &generation{file: f, seq: s.seq}
	var data int64
	g.chain, data = w.head(kindBase, s.seq, 0, entries)
	for _, name := range names {
		if c, ok := b[name]; ok {
			w.write(c.data)
			continue
		}
		copyErr := copySection(func(p []byte) error { w.write(p); return w.err }, s.gen.file, s.gen.index[name], s.buffer[half:])
		if copyErr != nil {
			return nil, fmt.Errorf("copy section %q: %w", name, copyErr)
		}
	}
	if err := w.flush(); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	g.apply(entries, data)
	g.end = w.off
	return g, nil
}

func (c change) entry(name string) tableEntry {
	if c.removed {
		return tableEntry{name: name, op: opRemove}
	}
	return tableEntry{name: name, op: opSet, size: int64(len(c.data)), crc: crc32.Checksum(c.data, castagnoli)}
}

// writer gathers small writes; the first error sticks.
type writer struct {
	file File
	off  int64
	buf  []byte
	err  error
}

// head writes a frame's header and table. It returns the frame's chain value and where its data start.
func (w *writer) head(kind byte, seq uint64, chain uint32, entries []tableEntry) (uint32, int64) {
	table := binary.LittleEndian.AppendUint32(nil, uint32(len(entries)))
	var size int64
	for _, e := range entries {
		table = appendEntry(table, e)
		size += e.size
	}
	if len(table) > maxTable {
		w.err = fmt.Errorf("%d sections are more than one commit can name", len(entries))
		return 0, 0
	}
	head, crc := appendHeader(nil, header{
		kind: kind, seq: seq, chain: chain,
		tableLen: uint32(len(table)), tableCRC: crc32.Checksum(table, castagnoli), dataLen: uint64(size),
	})
	start := w.off
	w.write(head)
	w.write(table)
	return crc, start + int64(len(head)+len(table))
}

func (w *writer) write(p []byte) {
	for len(p) > 0 && w.err == nil {
		if len(w.buf) == 0 && len(p) >= cap(w.buf) {
			w.put(p)
			return
		}
		n := min(len(p), cap(w.buf)-len(w.buf))
		w.buf = append(w.buf, p[:n]...)
		p = p[n:]
		if len(w.buf) == cap(w.buf) {
			w.put(w.buf)
			w.buf = w.buf[:0]
		}
	}
}

func (w *writer) put(p []byte) {
	if w.err == nil {
		_, w.err = w.file.WriteAt(p, w.off)
		w.off += int64(len(p))
	}
}

func (w *writer) flush() error {
	if len(w.buf) > 0 {
		w.put(w.buf)
		w.buf = w.buf[:0]
	}
	return w.err
}
