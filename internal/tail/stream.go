package tail

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// packing is how a file's bytes are stored.
type packing uint8

const (
	plain packing = iota
	gzipped
	zstandard
	unknownPacking // compressed in a way that we do not read
)

// maxStreams bounds the decompressors: each holds a window and up to one chunk.
const maxStreams = 4

// zstdMemory bounds the window that a .zst file may ask for.
const zstdMemory = 32 << 20

var (
	errPacking    = errors.New("it is compressed in a way that is not read, or damaged")
	errIncomplete = errors.New("the compressed file is not complete yet")
)

// packingOf recognises compressed files by their first bytes. Short files are taken for plain ones.
func packingOf(magic []byte) packing {
	for _, m := range []struct {
		magic string
		kind  packing
	}{
		{"\x1f\x8b\x08", gzipped},
		{"\x28\xb5\x2f\xfd", zstandard},
		{"BZh", unknownPacking},
		{"\xfd7zXZ\x00", unknownPacking},
		{"\x04\x22\x4d\x18", unknownPacking}, // lz4
	} {
		if bytes.HasPrefix(magic, []byte(m.magic)) {
			return m.kind
		}
	}
	return plain
}

// fdReader reads a descriptor from its beginning without moving a shared file position.
type fdReader struct {
	fd  int
	off int64
}

func (r *fdReader) Read(p []byte) (int, error) {
	n, err := readAt(r.fd, p, r.off)
	r.off += int64(n)
	if n == 0 && err == nil {
		err = io.EOF
	}
	return n, err
}

// stream reads a compressed file from front to back. It remembers what was decompressed and not yet taken.
type stream struct {
	kind  packing
	raw   fdReader
	r     io.Reader
	zr    *zstd.Decoder
	at    int64              // position of carry[0] in the decompressed file
	carry []byte             // decompressed, not taken
	first []byte             // the head of the decompressed file, as far as it was read
	last  [frontierSize]byte // the bytes before at
	err   error              // why nothing more comes: io.EOF, errIncomplete or errPacking
}

// unpack finds out how a newly opened file is stored and prepares to read it.
func (s *Source) unpack(fd int) error {
	if !s.probed && s.offset == 0 && s.packed == plain {
		var magic [6]byte
		n, err := readAt(fd, magic[:], 0)
		if err != nil {
			return err
		}
		s.packed = packingOf(magic[:n])
		s.probed = n >= len(magic)
		if s.packed == plain && !s.probed && len(s.names) > 0 && compressedName(s.names[0].base) {
			return errIncomplete
		}
	}
	switch s.packed {
	case unknownPacking:
		return errPacking
	case plain:
		return nil
	}
	s.stream = &stream{kind: s.packed, raw: fdReader{fd: fd}}
	return nil
}

// compressed says whether reading s takes a decompressor, as far as can be told without opening it.
func (s *Source) compressed() bool {
	return s.packed != plain || !s.probed && len(s.names) > 0 && compressedName(s.names[0].base)
}

// streams counts the decompressors.
func (t *Tailer) streams() int {
	n := 0
	for _, s := range t.open {
		if s.stream != nil {
			n++
		}
	}
	return n
}

func compressedName(base string) bool {
	return strings.HasSuffix(base, ".gz") || strings.HasSuffix(base, ".zst")
}

func (st *stream) close() {
	if st != nil && st.zr != nil {
		st.zr.Close()
		st.zr = nil
	}
}

// consumed is how many compressed bytes were read.
func (st *stream) consumed() int64 {
	if st == nil {
		return 0
	}
	return st.raw.off
}

// start begins at the front of the file.
func (st *stream) start() {
	st.close()
	st.raw.off, st.at, st.carry, st.first, st.err = 0, 0, st.carry[:0], st.first[:0], nil
	var err error
	switch st.kind {
	case gzipped:
		st.r, err = gzip.NewReader(&st.raw)
	case zstandard:
		st.zr, err = zstd.NewReader(&st.raw, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(zstdMemory))
		st.r = st.zr
	}
	if err != nil {
		st.r = nil
		st.fail(err)
	}
}

func (st *stream) fail(err error) {
	switch {
	case err == io.EOF && st.r != nil:
		st.err = io.EOF
	case err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
		st.err = errIncomplete
	default:
		st.err = errPacking
	}
}

// want makes at least n bytes available in carry, unless the file ends.
func (st *stream) want(n int) {
	for len(st.carry) < n && st.err == nil {
		if cap(st.carry) < n {
			st.carry = append(make([]byte, 0, n), st.carry...)
		}
		got, err := st.r.Read(st.carry[len(st.carry):n])
		fresh := st.carry[len(st.carry) : len(st.carry)+got]
		if room := headSize - len(st.first); room > 0 && st.at+int64(len(st.carry)) == int64(len(st.first)) {
			st.first = append(st.first, fresh[:min(room, got)]...)
		}
		st.carry = st.carry[:len(st.carry)+got]
		if err != nil {
			st.fail(err)
		}
	}
}

// took removes n bytes from the front of carry.
func (st *stream) took(n int) {
	if n >= frontierSize {
		copy(st.last[:], st.carry[n-frontierSize:n])
	} else {
		copy(st.last[:], st.last[n:])
		copy(st.last[frontierSize-n:], st.carry[:n])
	}
	st.at += int64(n)
	st.carry = st.carry[:copy(st.carry, st.carry[n:])]
}

// seek moves to a position of the decompressed file; earlier ones start over.
func (st *stream) seek(to int64, window int) error {
	if st.r == nil || to < st.at {
		st.start()
	}
	for st.at < to {
		n := int(min(int64(window), to-st.at))
		st.want(n)
		if len(st.carry) == 0 {
			if st.err == io.EOF {
				return errTruncated // shorter than what was read of it before
			}
			return st.err
		}
		st.took(min(n, len(st.carry)))
	}
	return nil
}

// read copies up to len(p) bytes at the position that s wants next. Fewer mean the end, or an error.
func (st *stream) read(s *Source, p []byte) (int, error) {
	to := s.offset
	if len(s.todo) > 0 {
		to = s.todo[0].start
	}
	if err := st.seek(to, len(p)); err != nil {
		return 0, err
	}
	st.want(len(p))
	n := copy(p, st.carry)
	if n == len(p) || st.err == io.EOF {
		return n, nil
	}
	return n, st.err
}

// learn takes over the hash of the decompressed head.
func (st *stream) learn(s *Source) {
	if len(st.first) > s.nhead {
		s.head, s.nhead = hashOf(st.first), len(st.first)
	}
}
