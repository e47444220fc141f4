package tail

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func TestOnlyRegularFilesWithinTheRootsAreOpened(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		outside := t.TempDir()
		appendTo(t, filepath.Join(outside, "secret.log"), "secret\n")
		if err := os.MkdirAll(in(opts, "logs", "folder.log"), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(in(opts, "logs", "fifo.log"), 0o644); err != nil {
			t.Fatal(err)
		}
		fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer syscall.Close(fd)
		// A socket's path may be 108 bytes at the most.
		wd, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chdir(in(opts, "logs")); err != nil {
			t.Fatal(err)
		}
		err = syscall.Bind(fd, &syscall.SockaddrUnix{Name: "socket.log"})
		if err2 := os.Chdir(wd); err != nil || err2 != nil {
			t.Fatal(err, err2)
		}
		for name, target := range map[string]string{
			"device.log":  "/dev/zero",
			"outside.log": filepath.Join(outside, "secret.log"),
			"dotdot.log":  "../../" + filepath.Base(opts.Dir) + "/elsewhere.log",
			"inside.log":  "real.txt",
			"broken.log":  "nothing",
			"circle.log":  "circle.log",
			"dir.log":     outside,
		} {
			if err := os.Symlink(target, in(opts, "logs", name)); err != nil {
				t.Fatal(err)
			}
		}
		appendTo(t, in(opts, "elsewhere.log"), "elsewhere\n")
		appendTo(t, in(opts, "logs", "real.txt"), "real\n")
		var log bytes.Buffer
		opts.Logger = slog.New(slog.NewTextHandler(&log, nil))
		opts.Include = []string{"logs/*.log"}
		r := follow(t, opts)
		if got := r.text(5 * time.Second); got != "real\n" {
			t.Errorf("got %q, want only what lies within", got)
		}
		st := r.tail.Stats()
		if st.Refused["irregular"] != 3 || st.Refused["outside"] != 2 {
			t.Errorf("refused %v, want 3 irregular and 2 outside\n%s", st.Refused, log.String())
		}
	})
}

func TestALinkThatIsSwappedInIsNotFollowed(t *testing.T) {
	dir := realPath(t.TempDir())
	outside := realPath(t.TempDir())
	appendTo(t, filepath.Join(outside, "0.log"), "secret\n")
	if err := os.Mkdir(filepath.Join(dir, "pod"), 0o755); err != nil {
		t.Fatal(err)
	}
	real := filepath.Join(dir, "pod", "0.log")
	appendTo(t, real, "fine\n")
	roots := []string{dir}
	if fd, _, err := openReal(real, roots); err != nil {
		t.Fatal(err)
	} else {
		closeFD(fd)
	}
	// Between the check of the path and its opening, the folder becomes a link.
	if err := os.Rename(filepath.Join(dir, "pod"), filepath.Join(dir, "old")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "pod")); err != nil {
		t.Fatal(err)
	}
	if fd, _, err := openReal(real, roots); err == nil {
		closeFD(fd)
		t.Error("the swapped folder was followed out of the roots")
	}
	// Where the kernel cannot be asked, the opened file's own path is looked at.
	fd, err := syscall.Open(real, openFlags, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer closeFD(fd)
	if now, ok := pathOfFD(fd); !ok || within(roots, now) {
		t.Errorf("path of the opened file is %q, want one outside", now)
	}
}

func TestAnUnreadableFileIsNamedOnceAndReadLater(t *testing.T) {
	if asNobody(t) {
		return
	}
	modes(t, func(t *testing.T, opts Options) {
		path := in(opts, "app.log")
		appendTo(t, path, "a\n")
		if err := os.Chmod(path, 0); err != nil {
			t.Fatal(err)
		}
		opts.Include = []string{"app.log"}
		r := follow(t, opts)
		if got := r.text(time.Minute); got != "" || r.tail.Stats().Refused["unreadable"] != 1 {
			t.Errorf("got %q, refused %v", got, r.tail.Stats().Refused)
		}
		if err := os.Chmod(path, 0o644); err != nil {
			t.Fatal(err)
		}
		if got := r.text(2 * time.Minute); got != "a\n" {
			t.Errorf("got %q", got)
		}
	})
}

// asNobody runs the test again without root's rights, in a process of its own, and says whether it did: root reads everything.
func asNobody(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return false
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("/tmp", "plumbline-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	binary, data := filepath.Join(dir, "tail.test"), []byte(nil)
	if data, err = os.ReadFile(self); err == nil {
		err = errors.Join(os.WriteFile(binary, data, 0o755), os.Chmod(dir, 0o777))
	}
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary, "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	out, err := cmd.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skip("this root may not become another user")
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("as uid 65532: %v\n%s", err, out)
	}
	return true
}

func TestAFolderWithoutPermissionIsNamedAndReadOnceItHasIt(t *testing.T) {
	if asNobody(t) {
		return
	}
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"pods/*/0.log"}
		for _, dir := range []string{"pods/open", "pods/closed", "pods/blind"} {
			if err := os.MkdirAll(in(opts, dir), 0o755); err != nil {
				t.Fatal(err)
			}
			appendTo(t, in(opts, dir, "0.log"), dir+"\n")
		}
		chmod := func(dir string, mode os.FileMode) {
			t.Helper()
			if err := os.Chmod(in(opts, dir), mode); err != nil {
				t.Fatal(err)
			}
		}
		chmod("pods/closed", 0)
		chmod("pods/blind", 0o311) // its files can be opened and not listed
		t.Cleanup(func() { chmod("pods/closed", 0o755); chmod("pods/blind", 0o755) })
		r := follow(t, opts)
		if got := r.text(time.Minute); got != "pods/open\n" {
			t.Errorf("got %q, want what may be read", got)
		}
		if n := r.tail.Stats().Refused["unreadable"]; n == 0 {
			t.Error("nothing was refused")
		}
		chmod("pods/closed", 0o755)
		chmod("pods/blind", 0o755)
		if got := r.text(2 * time.Minute); got != "pods/closed\npods/blind\n" && got != "pods/blind\npods/closed\n" {
			t.Errorf("then got %q", got)
		}
	})
}

// TestASwappedFolderNeverLeadsOut is the race of a symbolic link against every look and every open, as long as the test runs: a folder within
// the roots and a link that leads out take turns under one name.
func TestASwappedFolderNeverLeadsOut(t *testing.T) {
	dir, outside := realPath(t.TempDir()), realPath(t.TempDir())
	appendTo(t, filepath.Join(outside, "0.log"), strings.Repeat("secret\n", 100))
	pod, link, spare := filepath.Join(dir, "pod"), filepath.Join(dir, "link"), filepath.Join(dir, "spare")
	if err := errors.Join(os.Mkdir(pod, 0o755), os.Symlink(outside, link)); err != nil {
		t.Fatal(err)
	}
	appendTo(t, filepath.Join(pod, "0.log"), "fine\n")
	stop := make(chan struct{})
	var racing sync.WaitGroup
	racing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				_ = errors.Join(os.Rename(pod, spare), os.Rename(link, pod), os.Rename(pod, link), os.Rename(spare, pod))
			}
		}
	})
	var got strings.Builder
	for i := 0; i < 200 || i < 20_000 && !strings.Contains(got.String(), "fine"); i++ {
		tail, err := New(Options{Dir: dir, Include: []string{"*/0.log"}, watch: func() (watcher, error) { return nil, errNoWatcher }})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			c, err := tail.Next(t.Context(), time.Now())
			if err != nil {
				t.Fatal(err)
			}
			if c != nil {
				got.Write(c.Data)
			}
		}
		tail.Close()
	}
	close(stop)
	racing.Wait()
	if strings.Contains(got.String(), "secret") {
		t.Error("a file outside the roots was read")
	}
	if !strings.Contains(got.String(), "fine") {
		t.Error("the file within was never read")
	}
}

func TestLimitsHold(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"*.log"}
		opts.MaxFiles, opts.MaxOpenFiles, opts.ChunkBytes = 20, 8, 64
		var want int
		for i := range 30 {
			appendTo(t, in(opts, fmt.Sprintf("%02d.log", i)), strings.Repeat("line\n", 100))
			if i < 20 {
				want += 500
			}
		}
		r := follow(t, opts)
		got := 0
		for {
			c, err := r.tail.Next(t.Context(), time.Now().Add(3*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			if c == nil {
				break
			}
			got += len(c.Data)
			if n := r.tail.Stats().OpenFiles; n > 8 {
				t.Fatalf("%d files are open", n)
			}
		}
		st := r.tail.Stats()
		if got != want || st.Files != 20 || st.Refused["limit"] != 10 {
			t.Errorf("%d bytes, %d files, refused %v; want %d, 20 and 10", got, st.Files, st.Refused, want)
		}
		for i := range 20 {
			if err := os.Remove(in(opts, fmt.Sprintf("%02d.log", i))); err != nil {
				t.Fatal(err)
			}
		}
		for range 200 {
			got += len(r.text(time.Second))
		}
		if got != 30*500 {
			t.Errorf("%d bytes after the others were deleted, want %d", got, 30*500)
		}
	})
}

func TestOptionsAreChecked(t *testing.T) {
	for _, test := range []struct {
		opts Options
		want string
	}{
		{Options{}, "no include pattern"},
		{Options{Include: []string{"a["}}, `"a["`},
		{Options{Include: []string{"a{b"}}, "{ at 2 without }"},
		{Options{Include: []string{"a}b"}}, "} at 2 without {"},
		{Options{Include: []string{"/"}}, "names a folder"},
		{Options{Include: []string{"a"}, Exclude: []string{"[b"}}, "exclude"},
		{Options{Include: []string{"a"}, MaxFiles: -1}, "MaxFiles -1 must not be negative"},
		{Options{Include: []string{"a"}, PollInterval: -1}, "PollInterval"},
	} {
		_, err := New(test.opts)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: error %v, want one with %q", test.opts, err, test.want)
		}
	}
	if _, err := New(Options{Include: []string{"a"}}); err != nil {
		t.Errorf("the zero options with a pattern: %v", err)
	}
	if _, err := New(Options{}); !errors.Is(err, errNoInclude) {
		t.Errorf("%v is not errNoInclude", err)
	}
}
