package snapshot

import (
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
)

// generation is one file as far as it can be trusted.
type generation struct {
	file   File
	index  map[string]location
	seq    uint64
	chain  uint32
	end    int64  // behind the last good frame
	live   int64  // bytes of the sections in index
	reason string // why reading stopped before the end; empty when it did not
}

// location is where a section's data stand in the generation's file.
type location struct {
	off  int64
	size int64
	crc  uint32
}

// usable says that at least the base frame is good.
func (g *generation) usable() bool { return g != nil && g.index != nil }

// load reads what two generations hold and picks the one with the later commit: normally the current one, the
// previous one when the current one is damaged from the start or somebody swapped the files.
func (s *Store) load(report *LoadReport) error {
	cur, curErr := s.openGeneration(s.path)
	prev, prevErr := s.openGeneration(s.path + suffixPrevious)
	for _, err := range []error{curErr, prevErr} {
		// A file that may not be opened is a mistake in the set-up, and every commit would fail too.
		if errors.Is(err, fs.ErrPermission) {
			return errors.Join(err, closeGeneration(cur), closeGeneration(prev))
		}
	}
	note := func(reason string) {
		if reason != "" && !slices.Contains(report.Recovered, reason) {
			report.Recovered = append(report.Recovered, reason)
		}
	}
	curMissing := errors.Is(curErr, fs.ErrNotExist)
	switch {
	case curErr != nil && !curMissing:
		note(ReasonUnreadable)
	case curMissing && prevErr == nil:
		note(ReasonMissing)
	case curErr == nil:
		note(cur.reason)
	}

	best := cur
	if prev.usable() && (!cur.usable() || prev.seq > cur.seq) {
		best = prev
		note(ReasonPrevious)
	}
	if best != cur {
		_ = closeGeneration(cur)
	} else {
		_ = closeGeneration(prev)
	}
	if !best.usable() {
		_ = closeGeneration(best)
		s.gen = generation{index: map[string]location{}}
		s.rewrite = true
		return nil
	}
	s.gen = *best
	s.keepCurrent = best == cur
	report.Commits = best.seq
	switch {
	case best != cur, best.reason != "" && best.reason != ReasonTorn:
		// Damaged bytes are not built upon: the next commit writes a new file.
		s.rewrite = true
	case best.reason == ReasonTorn:
		s.rewrite = best.file.Truncate(best.end) != nil
	}
	return nil
}

func closeGeneration(g *generation) error {
	if g == nil || g.file == nil {
		return nil
	}
	return g.file.Close()
}

// openGeneration fails only when the file is not there or cannot be opened; damage is in the result's reason.
func (s *Store) openGeneration(path string) (*generation, error) {
	f, err := s.fs.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	g := &generation{file: f}
	size, err := f.Size()
	if err != nil {
		g.reason = ReasonUnreadable
		return g, nil
	}
	if size == 0 {
		g.reason = ReasonTorn
		return g, nil
	}
	for g.end < size && g.reason == "" {
		g.reason = g.readFrame(size, s.buffer)
	}
	return g, nil
}

// readFrame verifies the frame at g.end and applies it, or leaves g unchanged and says why not.
func (g *generation) readFrame(size int64, buffer []byte) string {
	rest := size - g.end
	if rest < headerSize {
		return ReasonTorn
	}
	var raw [headerSize]byte
	if _, err := g.file.ReadAt(raw[:], g.end); err != nil {
		return ReasonUnreadable
	}
	h, reason := decodeHeader(raw[:])
	if reason != "" {
		return reason
	}
	switch {
	case g.index == nil && h.kind != kindBase,
		g.index != nil && (h.kind != kindDelta || h.chain != g.chain || h.seq <= g.seq):
		return ReasonChecksum
	}
	if uint64(rest-headerSize) < uint64(h.tableLen) ||
		uint64(rest-headerSize)-uint64(h.tableLen) < h.dataLen {
		return ReasonTorn
	}
	table := make([]byte, h.tableLen)
	if _, err := g.file.ReadAt(table, g.end+headerSize); err != nil {
		return ReasonUnreadable
	}
	if crc32.Checksum(table, castagnoli) != h.tableCRC {
		return ReasonChecksum
	}
	entries, err := decodeTable(table, h.dataLen)
	if err != nil {
		return ReasonChecksum
	}
	data := g.end + headerSize + int64(h.tableLen)
	off := data
	for _, e := range entries {
		loc := location{off: off, size: e.size, crc: e.crc}
		if err := copySection(nil, g.file, loc, buffer); err != nil {
			if errors.Is(err, errChecksum) {
				return ReasonChecksum
			}
			return ReasonUnreadable
		}
		off += e.size
	}
	g.apply(entries, data)
	g.seq, g.chain, g.end = h.seq, h.crc, off
	return ""
}

// apply enters a verified frame's table, whose data start at off, into the index.
func (g *generation) apply(entries []tableEntry, off int64) {
	if g.index == nil {
		g.index = make(map[string]location, len(entries))
	}
	for _, e := range entries {
		g.live -= g.index[e.name].size
		if e.op == opRemove {
			delete(g.index, e.name)
			continue
		}
		g.index[e.name] = location{off: off, size: e.size, crc: e.crc}
		g.live += e.size
		off += e.size
	}
}

var errChecksum = errors.New("checksum does not match")

// copySection streams one section through buffer, hands it to write (nil: only verify) and checks it.
func copySection(write func([]byte) error, from io.ReaderAt, loc location, buffer []byte) error {
	var crc uint32
	for done := int64(0); done < loc.size; {
		part := buffer[:min(int64(len(buffer)), loc.size-done)]
		if n, err := from.ReadAt(part, loc.off+done); err != nil && !(errors.Is(err, io.EOF) && n == len(part)) {
			return err
		}
		crc = crc32.Update(crc, castagnoli, part)
		if write != nil {
			if err := write(part); err != nil {
				return err
			}
		}
		done += int64(len(part))
	}
	if crc != loc.crc {
		return errChecksum
	}
	return nil
}
