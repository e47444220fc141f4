package agent

import (
	"bufio"
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// mostMapped is how much of the executable the kernel may map for one page that is touched. Left to itself it maps sixteen
// pages, and since Linux 6.18 the whole folio of the page cache in which the page lies: up to two megabytes, so that what an agent
// holds is decided by how the file was copied. What is needed in ten seconds are some five megabytes, in a thousand places.
const mostMapped = 32 << 10

// span is a part of the address space.
type span struct{ from, to uintptr }

// executable is where the text and the constants of this program are mapped: what can be read and not written. Letting go of a page that
// can be written would undo what was written to it.
func executable() ([]span, error) {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return nil, err
	}
	var spans []span
	for lines := bufio.NewScanner(bytes.NewReader(maps)); lines.Scan(); {
		line := lines.Bytes()
		if !bytes.HasSuffix(line, []byte(" "+exe)) {
			continue
		}
		var s span
		var mode string
		if _, err := fmt.Sscanf(string(line), "%x-%x %s", &s.from, &s.to, &mode); err != nil {
			continue
		}
		if len(mode) != 4 || mode[0] != 'r' || mode[1] != '-' || mode[3] != 'p' {
			continue
		}
		if n := len(spans); n > 0 && spans[n-1].to == s.from {
			spans[n-1].to = s.to
		} else {
			spans = append(spans, s)
		}
	}
	return spans, nil
}

// divide makes mappings of mostMapped, or of a page, of the executable's two or three: the kernel maps no more for one fault than lies in the same
// mapping. Neighbours stay apart because every second one is left out of core dumps, where the text of a program is not looked
// for; the first is in, for it says which build this is. Some 2,900 mappings cost the kernel 0.6 MB, and 3 ms once.
func divide(spans []span) error {
	piece := max(mostMapped, uintptr(os.Getpagesize()))
	for _, s := range spans {
		for from := s.from/piece*piece + piece; from < s.to; from += 2 * piece {
			if err := advise(span{from, min(from+piece, s.to)}, unix.MADV_DONTDUMP); err != nil {
				return err // as when there are too many mappings: what is divided is divided
			}
		}
	}
	return nil
}

// release gives back all pages of the executable. They are clean and lie in the file, so whatever is needed is mapped again by a minor
// fault, and what start-up and rare paths have touched is not.
func release(spans []span) error {
	for _, s := range spans {
		if err := advise(s, unix.MADV_DONTNEED); err != nil {
			return err
		}
	}
	return nil
}

func advise(s span, advice uintptr) error {
	if _, _, errno := unix.Syscall(unix.SYS_MADVISE, s.from, s.to-s.from, advice); errno != 0 {
		return errno
	}
	return nil
}
