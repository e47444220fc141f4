package snapshot

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestAFullFileSystemOfOneMegabyte is the full disk as the kernel reports it: commits fail, the last good one stays readable at
// any time, and the first one after space is free again holds everything.
func TestAFullFileSystemOfOneMegabyte(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=0700"); err != nil {
		t.Skipf("needs the right to mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s, _, err := Open(dir, "agent", Options{CompactBytes: 128 << 10})
	if err != nil {
		t.Fatal(err)
	}
	value := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 20<<10) }
	ballast := filepath.Join(dir, "ballast")
	committed, failed := -1, 0
	for i := range 90 {
		switch i % 30 {
		case 10: // no byte is left
			f, err := os.Create(ballast)
			if err != nil {
				t.Fatal(err)
			}
			for _, block := range []int{64 << 10, 4 << 10, 1} {
				for err = nil; err == nil; {
					_, err = f.Write(make([]byte, block))
				}
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		case 20:
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		}
		switch err := s.Commit([]Section{{"tail", value(i)}, {"model", []byte{byte(i)}}}, nil); {
		case err == nil:
			committed = i
		case errors.Is(err, syscall.ENOSPC):
			failed++
		default:
			t.Fatalf("commit %d: %v", i, err)
		}
		if i%30 == 20 && committed != i {
			t.Fatalf("commit %d fails with space again", i)
		}
		if i%3 != 0 {
			continue
		}
		if err := s.Close(); err != nil { // as a kill would leave it: nothing is written at Close
			t.Fatal(err)
		}
		if s, _, err = Open(dir, "agent", Options{CompactBytes: 128 << 10}); err != nil {
			t.Fatal(err)
		}
		tail, _ := s.Section("tail")
		model, _ := s.Section("model")
		if !bytes.Equal(tail, value(committed)) || len(model) != 1 || int(model[0]) != committed {
			t.Fatalf("after commit %d the store holds neither or a mix, want all of commit %d", i, committed)
		}
	}
	if failed < 3 {
		t.Errorf("%d commits failed: the disk was never full", failed)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
