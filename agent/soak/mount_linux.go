package soak

import (
	"fmt"
	"syscall"
)

// smallDisk is the size of the folder for state that can be filled up.
const smallDisk = 32 << 20

// mountSmall puts a small file system on dir. It needs the right to mount.
func mountSmall(dir string) error {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", smallDisk)); err != nil {
		return fmt.Errorf("mount a small tmpfs for the state: %w", err)
	}
	return nil
}

func unmountSmall(dir string) error { return syscall.Unmount(dir, syscall.MNT_DETACH) }
