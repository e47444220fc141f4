package snapshot

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A frame is a header, a table and the data of the table's sections, in the table's order:
//
//	header  "PLSF", version u16, kind u8, 0, seq u64, table bytes u32, chain u32, data bytes u64, table CRC u32, header CRC u32
//	table   count u32, then per entry: op u8, name bytes u16, name, and for a set: data bytes u64, data CRC u32
//
// The header's CRC covers the table's CRC, which covers every section's CRC: it stands for the whole frame, and
// the next frame repeats it as its chain. All integers are little-endian.
const (
	frameMagic   = "PLSF"
	frameVersion = 1
	headerSize   = 40

	kindBase  = 1 // holds every section; only ever the first frame of a file
	kindDelta = 2 // holds what changed since the frame before it

	opSet    = 1
	opRemove = 2

	maxTable   = 64 << 20
	maxName    = 1<<16 - 1
	maxSection = 1 << 34
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Reasons in LoadReport.Recovered: a closed set.
const (
	ReasonTorn       = "torn"       // the file ends inside a frame, or in zeros
	ReasonChecksum   = "checksum"   // bytes changed, or frames do not follow each other
	ReasonVersion    = "version"    // written by a version of the agent that this one does not know
	ReasonMissing    = "missing"    // the current generation is not there although the previous one is
	ReasonUnreadable = "unreadable" // the file could not be read
	ReasonPrevious   = "previous"   // the previous generation was used
)

type header struct {
	kind     byte
	seq      uint64
	tableLen uint32
	chain    uint32
	dataLen  uint64
	tableCRC uint32
	crc      uint32 // of the header itself; the chain of the frame that follows
}

// appendHeader encodes h and returns the checksum that the next frame repeats.
func appendHeader(b []byte, h header) ([]byte, uint32) {
	start := len(b)
	b = append(b, frameMagic...)
	b = binary.LittleEndian.AppendUint16(b, frameVersion)
	b = append(b, h.kind, 0)
	b = binary.LittleEndian.AppendUint64(b, h.seq)
	b = binary.LittleEndian.AppendUint32(b, h.tableLen)
	b = binary.LittleEndian.AppendUint32(b, h.chain)
	b = binary.LittleEndian.AppendUint64(b, h.dataLen)
	b = binary.LittleEndian.AppendUint32(b, h.tableCRC)
	crc := crc32.Checksum(b[start:], castagnoli)
	return binary.LittleEndian.AppendUint32(b, crc), crc
}

// decodeHeader returns a reason when b (headerSize bytes) is not a header.
func decodeHeader(b []byte) (header, string) {
	var h header
	h.crc = binary.LittleEndian.Uint32(b[36:])
	if string(b[:4]) != frameMagic || crc32.Checksum(b[:36], castagnoli) != h.crc {
		if allZero(b) {
			return h, ReasonTorn
		}
		return h, ReasonChecksum
	}
	if binary.LittleEndian.Uint16(b[4:]) != frameVersion {
		return h, ReasonVersion
	}
	h.kind = b[6]
	h.seq = binary.LittleEndian.Uint64(b[8:])
	h.tableLen = binary.LittleEndian.Uint32(b[16:])
	h.chain = binary.LittleEndian.Uint32(b[20:])
	h.dataLen = binary.LittleEndian.Uint64(b[24:])
	h.tableCRC = binary.LittleEndian.Uint32(b[32:])
	if h.kind != kindBase && h.kind != kindDelta || h.tableLen > maxTable {
		return h, ReasonChecksum
	}
	return h, ""
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// tableEntry is one section as a frame's table names it.
type tableEntry struct {
	name string
	op   byte
	size int64
	crc  uint32
}

func appendEntry(b []byte, e tableEntry) []byte {
	b = append(b, e.op)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(e.name)))
	b = append(b, e.name...)
	if e.op == opSet {
		b = binary.LittleEndian.AppendUint64(b, uint64(e.size))
		b = binary.LittleEndian.AppendUint32(b, e.crc)
	}
	return b
}

var errTable = errors.New("snapshot: malformed table")

// decodeTable fails rather than allocate more than the table's own length asks for.
func decodeTable(b []byte, dataLen uint64) ([]tableEntry, error) {
	if len(b) < 4 {
		return nil, errTable
	}
	count := int(binary.LittleEndian.Uint32(b))
	b = b[4:]
	if count < 0 || count > len(b)/3 {
		return nil, errTable
	}
	entries := make([]tableEntry, 0, count)
	var total uint64
	for range count {
		if len(b) < 3 {
			return nil, errTable
		}
		e := tableEntry{op: b[0]}
		n := int(binary.LittleEndian.Uint16(b[1:]))
		if b = b[3:]; len(b) < n {
			return nil, errTable
		}
		e.name, b = string(b[:n]), b[n:]
		switch e.op {
		case opRemove:
		case opSet:
			if len(b) < 12 {
				return nil, errTable
			}
			size := binary.LittleEndian.Uint64(b)
			if size > maxSection {
				return nil, errTable
			}
			e.size, e.crc = int64(size), binary.LittleEndian.Uint32(b[8:])
			total += size
			b = b[12:]
		default:
			return nil, errTable
		}
		entries = append(entries, e)
	}
	if len(b) != 0 || total != dataLen {
		return nil, errTable
	}
	return entries, nil
}
