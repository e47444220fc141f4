package tail

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// TestAFileSystemInUserSpaceIsPolled is goal 12 on FUSE: a folder that a process passes through, written through the mount and
// below it. What is written below comes without any notification, and the kernel may show sizes and names of a second ago.
func TestAFileSystemInUserSpaceIsPolled(t *testing.T) {
	if os.Getenv(insideNamespace) != t.Name() {
		if _, err := os.Stat("/dev/fuse"); err != nil {
			t.Skip("needs /dev/fuse")
		}
		dir := t.TempDir()
		t.Setenv("PLUMBLINE_TEST_FUSE", dir)
		inNamespace(t, []string{"-Urm"}, "mount -t tmpfs tmpfs '"+dir+"' && mkdir '"+dir+"/below' '"+dir+"/mount'", t.Name())
		return
	}
	dir := os.Getenv("PLUMBLINE_TEST_FUSE")
	below, mount := filepath.Join(dir, "below"), filepath.Join(dir, "mount")
	root, err := fs.NewLoopbackRoot(below)
	if err != nil {
		t.Fatal(err)
	}
	second := time.Second
	server, err := fs.Mount(mount, root, &fs.Options{EntryTimeout: &second, AttrTimeout: &second, MountOptions: fuse.MountOptions{DirectMountStrict: true}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Unmount(); err != nil {
			t.Error(err)
		}
	})
	for _, at := range []struct{ name, dir string }{{"through the mount", mount}, {"below it", below}} {
		t.Run(at.name, func(t *testing.T) {
			t.Parallel()
			name := filepath.Base(at.dir) + ".log"
			opts := Options{Dir: mount, Include: []string{name}}
			w := newWriter(t, filepath.Join(at.dir, name))
			r := follow(t, opts)
			renameAndTruncate(t, r, w)
			if !r.tail.Stats().Polling {
				t.Error("the folder is not polled")
			}
		})
	}
}
