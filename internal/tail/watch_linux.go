package tail

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// inotify is the one inotify instance of a Tailer. We read it ourselves, once a tick and without a goroutine:
// between ticks the kernel folds repeated writes to a file into one event, so a file that is written 5,000
// times a second costs 20 events, and nothing runs while nothing happens.
type inotify struct {
	fd   int
	file *os.File // the same, for waiting by the runtime's poller; it closes fd
	conn syscall.RawConn
	buf  []byte
}

func newWatcher() (watcher, error) {
	fd, err := unix.InotifyInit1(unix.IN_NONBLOCK | unix.IN_CLOEXEC)
	if err != nil {
		return nil, err
	}
	w := &inotify{fd: fd, file: os.NewFile(uintptr(fd), "inotify"), buf: make([]byte, 32<<10)}
	if w.conn, err = w.file.SyscallConn(); err != nil {
		return nil, errors.Join(err, w.file.Close())
	}
	return w, nil
}

// severalEvents is the size from which what is queued is probably more than one event: each takes 16 bytes, and its name
// padded to 16.
const severalEvents = 64

func (w *inotify) wait(d time.Duration, anything bool) bool {
	if w.file.SetReadDeadline(time.Now().Add(d)) != nil {
		time.Sleep(d)
		return false
	}
	least := severalEvents
	if anything {
		least = 1
	}
	err := w.conn.Read(func(fd uintptr) bool {
		n, err := unix.IoctlGetInt(int(fd), unix.TIOCINQ) // FIONREAD by another name
		return err != nil || n >= least
	})
	return err == nil
}

func (w *inotify) add(dir string, files bool) (int32, error) {
	mask := uint32(unix.IN_CREATE | unix.IN_MOVED_FROM | unix.IN_MOVED_TO | unix.IN_DELETE |
		unix.IN_DELETE_SELF | unix.IN_MOVE_SELF | unix.IN_ONLYDIR)
	if files {
		mask |= unix.IN_MODIFY
	}
	wd, err := unix.InotifyAddWatch(w.fd, dir, mask)
	return int32(wd), err
}

func (w *inotify) remove(wd int32) { _, _ = unix.InotifyRmWatch(w.fd, uint32(wd)) }

func (w *inotify) close() { _ = w.file.Close() }

// maxDrain bounds the events of one drain, so that a storm cannot keep the reader from reading.
const maxDrain = 64

func (w *inotify) drain(yield func(event)) (lost bool) {
	for range maxDrain {
		n, err := unix.Read(w.fd, w.buf)
		if err == unix.EINTR {
			continue
		}
		if err != nil || n <= 0 {
			return lost
		}
		for b := w.buf[:n]; len(b) >= unix.SizeofInotifyEvent; {
			e := event{
				wd:     int32(binary.NativeEndian.Uint32(b)),
				cookie: binary.NativeEndian.Uint32(b[8:]),
			}
			mask := binary.NativeEndian.Uint32(b[4:])
			end := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(b[12:]))
			if end > len(b) {
				return true
			}
			e.name, _, _ = bytes.Cut(b[unix.SizeofInotifyEvent:end], []byte{0})
			b = b[end:]
			switch {
			case mask&unix.IN_Q_OVERFLOW != 0:
				lost = true
				continue
			case mask&(unix.IN_DELETE_SELF|unix.IN_MOVE_SELF|unix.IN_UNMOUNT|unix.IN_IGNORED) != 0:
				e.kind, e.name = dirGone, nil
			case mask&unix.IN_CREATE != 0:
				e.kind = created
			case mask&unix.IN_MOVED_FROM != 0:
				e.kind = movedFrom
			case mask&unix.IN_MOVED_TO != 0:
				e.kind = movedTo
			case mask&unix.IN_DELETE != 0:
				e.kind = deleted
			case mask&unix.IN_MODIFY != 0:
				e.kind = modified
			default:
				continue
			}
			yield(e)
		}
	}
	return lost
}
