//go:build unix

package watch

import (
	"io/fs"
	"syscall"
)

// identity is the inode number: a file that was replaced by one of the same size and time is another file.
func identity(info fs.FileInfo) uint64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(st.Ino)
	}
	return 0
}
