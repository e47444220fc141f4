package tail

import (
	"bytes"

	"golang.org/x/sys/unix"
)

// readOnce fills p from off with one call, as far as the file goes at that moment; 0 without an error is the end.
func readOnce(fd int, p []byte, off int64) (int, error) {
	for {
		n, err := unix.Pread(fd, p, off)
		if err == unix.EINTR {
			continue
		}
		return max(n, 0), err
	}
}

// readAt fills p from off as far as the file goes; 0 without an error is the end.
func readAt(fd int, p []byte, off int64) (int, error) {
	done := 0
	for done < len(p) {
		n, err := readOnce(fd, p[done:], off+int64(done))
		if err != nil {
			return done, err
		}
		if n == 0 {
			break
		}
		done += n
	}
	return done, nil
}

// readWhole reads what one file holds at off. A file may be truncated and filled again while it is read, so what was read counts only
// if its beginning stands there still afterwards; it is never put together from two calls.
func readWhole(fd int, p []byte, off int64) (int, error) {
	n, err := readOnce(fd, p, off)
	if err != nil || n == 0 {
		return n, err
	}
	var again [frontierSize]byte
	size := min(n, len(again))
	m, err := readOnce(fd, again[:size], off)
	if err == nil && (m < size || !bytes.Equal(again[:size], p[:size])) {
		err = errTruncated
	}
	return n, err
}
