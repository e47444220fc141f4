package agent

import (
	"bufio"
	"bytes"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// releaseStartupPages gives back the pages of the executable that start-up has touched: registering components and
// building tables walks through most of a large binary once, and never again. The pages are clean and backed by the
// file, so whatever is needed later is mapped again by a minor fault; in small pages, for a kernel that keeps the file in large ones maps two megabytes for
// each of them that is touched. It returns how many bytes of mappings it asked the kernel to let go.
func releaseStartupPages() (uint64, error) {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return 0, err
	}
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return 0, err
	}
	var total uint64
	for lines := bufio.NewScanner(bytes.NewReader(maps)); lines.Scan(); {
		line := lines.Bytes()
		if !bytes.HasSuffix(line, []byte(" "+exe)) {
			continue
		}
		var from, to uint64
		var mode string
		if _, err := fmt.Sscanf(string(line), "%x-%x %s", &from, &to, &mode); err != nil {
			continue
		}
		// Never a mapping that can be written: letting go of its pages would undo what was written to them.
		if len(mode) != 4 || mode[0] != 'r' || mode[1] != '-' || mode[3] != 'p' {
			continue
		}
		for _, advice := range []uintptr{unix.MADV_NOHUGEPAGE, unix.MADV_DONTNEED} {
			if _, _, errno := unix.Syscall(unix.SYS_MADVISE, uintptr(from), uintptr(to-from), advice); errno != 0 && advice == unix.MADV_DONTNEED {
				return total, errno
			}
		}
		total += to - from
	}
	return total, nil
}
