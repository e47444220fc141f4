package tail

import (
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// fileID is what tells one file from another for as long as both exist; btime tells it from a later file that got
// the same inode. btime is 0 where the file system does not keep it.
type fileID struct {
	dev, ino uint64
	btime    int64
}

// info is what one look at a file says.
type info struct {
	id    fileID
	size  int64
	mtime int64
	nlink uint32
	mode  uint32
}

func (i info) regular() bool { return i.mode&unix.S_IFMT == unix.S_IFREG }
func (i info) link() bool    { return i.mode&unix.S_IFMT == unix.S_IFLNK }
func (i info) dir() bool     { return i.mode&unix.S_IFMT == unix.S_IFDIR }

const statMask = unix.STATX_TYPE | unix.STATX_MODE | unix.STATX_NLINK | unix.STATX_INO | unix.STATX_SIZE | unix.STATX_MTIME | unix.STATX_BTIME

// statPath looks at a name without following a symbolic link in its last component.
func statPath(path string) (info, error) {
	return statAt(unix.AT_FDCWD, path, unix.AT_SYMLINK_NOFOLLOW)
}

// statFD looks at an open file. It leaves out the birth time, which needs a call that allocates.
func statFD(fd int) (info, error) {
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return info{}, err
	}
	return infoOf(&st), nil
}

func statAt(fd int, path string, flags int) (info, error) {
	var st unix.Statx_t
	for {
		err := unix.Statx(fd, path, flags|unix.AT_STATX_SYNC_AS_STAT, statMask, &st)
		if err == unix.EINTR {
			continue
		}
		if err == unix.ENOSYS || err == unix.EPERM { // an old kernel or a seccomp filter
			return statOld(fd, path, flags)
		}
		if err != nil {
			return info{}, &fs.PathError{Op: "stat", Path: path, Err: err}
		}
		break
	}
	i := info{
		id:    fileID{dev: unix.Mkdev(st.Dev_major, st.Dev_minor), ino: st.Ino},
		size:  int64(st.Size),
		mtime: st.Mtime.Sec*1e9 + int64(st.Mtime.Nsec),
		nlink: st.Nlink,
		mode:  uint32(st.Mode),
	}
	if st.Mask&unix.STATX_BTIME != 0 {
		i.id.btime = st.Btime.Sec*1e9 + int64(st.Btime.Nsec)
	}
	return i, nil
}

func statOld(fd int, path string, flags int) (info, error) {
	var st unix.Stat_t
	if err := unix.Fstatat(fd, path, &st, flags); err != nil {
		return info{}, &fs.PathError{Op: "stat", Path: path, Err: err}
	}
	return infoOf(&st), nil
}

func infoOf(st *unix.Stat_t) info {
	return info{
		id:    fileID{dev: uint64(st.Dev), ino: st.Ino},
		size:  st.Size,
		mtime: st.Mtim.Nano(),
		nlink: uint32(st.Nlink),
		mode:  st.Mode,
	}
}

var (
	errOutside   = errors.New("its real path is outside the roots")
	errIrregular = errors.New("it is not a regular file")
)

const openFlags = unix.O_RDONLY | unix.O_NOFOLLOW | unix.O_NONBLOCK | unix.O_NOCTTY | unix.O_CLOEXEC

// openReal opens a path from which all symbolic links were resolved. Should somebody have put one back meanwhile,
// the kernel refuses to follow it; where it cannot be asked to, the opened file's own path is checked.
func openReal(path string, roots []string) (int, info, error) {
	how := unix.OpenHow{Flags: openFlags, Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := retryOpen(func() (int, error) { return unix.Openat2(unix.AT_FDCWD, path, &how) })
	checked := true
	if err == unix.ENOSYS || err == unix.EPERM {
		checked = false
		fd, err = retryOpen(func() (int, error) { return unix.Open(path, openFlags, 0) })
	}
	if err != nil {
		return -1, info{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	st, err := statAt(fd, "", unix.AT_EMPTY_PATH)
	if err == nil && !st.regular() {
		err = errIrregular
	}
	if err == nil && !checked {
		if now, ok := pathOfFD(fd); ok && !within(roots, now) {
			err = errOutside
		}
	}
	if err != nil {
		closeFD(fd)
		return -1, info{}, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return fd, st, nil
}

// retryOpen tries again when a signal or a rename on the path came in between, a bounded number of times.
func retryOpen(open func() (int, error)) (fd int, err error) {
	for range 16 {
		if fd, err = open(); err != unix.EINTR && err != unix.EAGAIN {
			return fd, err
		}
	}
	return -1, err
}

func closeFD(fd int) { _ = unix.Close(fd) }

// nextData returns where the next data stand at or after off. False means that only a hole follows, or that the file
// system does not know.
func nextData(fd int, off int64) (int64, bool) {
	at, err := unix.Seek(fd, off, unix.SEEK_DATA)
	return at, err == nil
}

// pathOfFD asks the kernel what the open file is called now. False means that it has no name any more.
func pathOfFD(fd int) (string, bool) {
	path, err := os.Readlink("/proc/self/fd/" + strconv.Itoa(fd))
	if err != nil || !strings.HasPrefix(path, "/") || strings.HasSuffix(path, " (deleted)") {
		return "", false
	}
	return path, true
}

// silent says that changes in the folder may come without notifications, because they are made on another
// machine or below the mounted layer.
func silent(dir string) bool {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return false
	}
	switch st.Type {
	case unix.NFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC, unix.FUSE_SUPER_MAGIC,
		unix.OVERLAYFS_SUPER_MAGIC, unix.V9FS_MAGIC, unix.CEPH_SUPER_MAGIC, unix.AFS_SUPER_MAGIC, unix.ECRYPTFS_SUPER_MAGIC:
		return true
	}
	return false
}
