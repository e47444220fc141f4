package tail

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Tests in this file run as they would on a node: with the kernel's own limits, file systems and users. Each says what it
// needs and skips where that is missing.

// inNamespace runs one test of this binary again, as a child of a shell in new namespaces, after setup.
func inNamespace(t *testing.T, unshare []string, setup, test string) {
	t.Helper()
	tool, err := exec.LookPath("unshare")
	if err != nil {
		t.Skip("needs unshare (util-linux)")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	script := setup + ` && exec "$0" -test.run "^` + test + `$" -test.v`
	cmd := exec.Command(tool, append(unshare, "sh", "-c", script, self)...)
	cmd.Env = append(os.Environ(), insideNamespace+"="+test)
	out, err := cmd.CombinedOutput()
	if strings.Contains(string(out), "unshare failed") || strings.Contains(string(out), "uid_map") {
		t.Skipf("needs the right to make namespaces: %s", firstLine(out))
	}
	if err != nil || !strings.Contains(string(out), "--- PASS: "+test) {
		t.Errorf("%v\n%s", err, out)
	}
}

const insideNamespace = "PLUMBLINE_TEST_INSIDE"

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}

// renameAndTruncate writes, rotates in two styles and restarts, in real time, and returns what was written.
func renameAndTruncate(t *testing.T, r *reader, w *lineWriter) {
	t.Helper()
	for i := range 6 {
		w.lines(40)
		r.pump(600 * time.Millisecond)
		if i%2 == 0 {
			w.rotate(fmt.Sprintf("%s.%d", w.path, 90-i))
			w.lines(2)
			w.reopen()
		} else {
			copyFile(t, w.path, fmt.Sprintf("%s.%d", w.path, 90-i))
			truncate(t, w.path)
		}
		w.lines(5)
		if i == 3 {
			r.restart(r.tail.State())
		}
	}
	r.drain()
	r.check(w.want)
	if st := r.tail.Stats(); st.GapBytes != 0 || st.LagBytes != 0 {
		t.Errorf("gap %d, lag %d", st.GapBytes, st.LagBytes)
	}
}

// TestNoInotifyInstanceIsLeftInTheKernel is goal 12 with the kernel's own limit.
func TestNoInotifyInstanceIsLeftInTheKernel(t *testing.T) {
	if os.Getenv(insideNamespace) != t.Name() {
		inNamespace(t, []string{"-Ur"}, "echo 0 >/proc/sys/user/max_inotify_instances", t.Name())
		return
	}
	if _, err := newWatcher(); !errors.Is(err, unix.EMFILE) {
		t.Fatalf("an inotify instance in spite of the limit, or another error: %v", err)
	}
	var log strings.Builder
	opts := Options{Dir: realPath(t.TempDir()), Include: []string{"app.log"}, Logger: slog.New(slog.NewTextHandler(&log, nil))}
	w := newWriter(t, in(opts, "app.log"))
	r := follow(t, opts)
	renameAndTruncate(t, r, w)
	if n := strings.Count(log.String(), "level=WARN"); n != 2 { // one for each of the two Tailers
		t.Errorf("%d warnings, want one a start:\n%s", n, log.String())
	}
}

// TestALayeredFileSystemIsPolled is goal 12 on overlayfs, where changes below the mounted layer come without notification.
func TestALayeredFileSystemIsPolled(t *testing.T) {
	if os.Getenv(insideNamespace) != t.Name() {
		dir := t.TempDir()
		t.Setenv("PLUMBLINE_TEST_OVERLAY", dir)
		inNamespace(t, []string{"-Urm"}, "mount -t tmpfs tmpfs '"+dir+"' && cd '"+dir+"' && mkdir lower upper work merged && echo old >lower/old && "+
			"mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged", t.Name())
		return
	}
	opts := Options{Dir: filepath.Join(os.Getenv("PLUMBLINE_TEST_OVERLAY"), "merged"), Include: []string{"app.log"}}
	w := newWriter(t, in(opts, "app.log"))
	r := follow(t, opts)
	renameAndTruncate(t, r, w)
	if !r.tail.Stats().Polling {
		t.Error("the folder is not polled")
	}
}

// TestFilesOnExt4ThatShareAnInodeAreToldApart is goal 9: ext4 gives the inode of a deleted file to the next one.
func TestFilesOnExt4ThatShareAnInodeAreToldApart(t *testing.T) {
	dir := smallExt4(t)
	for _, restart := range []bool{false, true} {
		opts := Options{Dir: realPath(dir), Include: []string{"app.log"}}
		w := newWriter(t, in(opts, "app.log"))
		r := follow(t, opts)
		cycles := 300
		if os.Getenv("PLUMBLINE_TAIL_KILLS") != "" {
			cycles = 10_000
		}
		reused := 0
		for i := range cycles {
			w.lines(1 + i%3)
			for r.got.n < w.want.n {
				r.pump(time.Millisecond)
			}
			before, err := os.Stat(w.path)
			if err != nil {
				t.Fatal(err)
			}
			var state []byte
			if restart {
				state = r.tail.State()
				r.tail.Close()
			}
			w.f.Close()
			if err := os.Remove(w.path); err != nil {
				t.Fatal(err)
			}
			w.reopen()
			if after, err := os.Stat(w.path); err == nil && os.SameFile(before, after) {
				reused++
			}
			if restart {
				r.start(state)
			}
		}
		r.drain()
		r.check(w.want)
		t.Logf("%d of %d files got the inode of the one before; restarts: %v", reused, cycles, restart)
		r.tail.Close()
		os.Remove(w.path)
	}
}

// waitFor keeps what a process prints and tells when it has printed a text.
type waitFor struct {
	strings.Builder
	text string
	seen chan struct{}
}

func (w *waitFor) Write(p []byte) (int, error) {
	before := strings.Contains(w.String(), w.text)
	n, err := w.Builder.Write(p)
	if !before && strings.Contains(w.String(), w.text) {
		close(w.seen)
	}
	return n, err
}

// smallExt4 mounts a new ext4 of 32 MiB.
func smallExt4(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root to mount a file system")
	}
	mkfs, err := exec.LookPath("mkfs.ext4")
	if err != nil {
		t.Skip("needs mkfs.ext4")
	}
	dir := t.TempDir()
	image, at := filepath.Join(dir, "image"), filepath.Join(dir, "at")
	if err := errors.Join(os.WriteFile(image, nil, 0o600), os.Truncate(image, 32<<20), os.Mkdir(at, 0o700)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(mkfs, "-q", "-F", image).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", image, at).CombinedOutput(); err != nil {
		t.Skipf("needs a loop device: %s", firstLine(out))
	}
	t.Cleanup(func() {
		if err := unix.Unmount(at, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return at
}

// TestLeastPrivilegeReadsRotatedFiles is the first half of goal 21: both shapes in which the agent is deployed, uid 65532 with nothing but
// the capability to read, and uid 0 without any; the logs lie on a read-only mount in both.
func TestLeastPrivilegeReadsRotatedFiles(t *testing.T) {
	if os.Getenv(insideNamespace) == t.Name() {
		opts := Options{Dir: os.Getenv("PLUMBLINE_TEST_LOGS"), Include: []string{"0.log"}}
		var state []byte
		r := &reader{t: t, opts: opts, lines: map[uint64]int{}}
		for over := false; !over; { // it is killed and started again while files are rotated
			_, err := os.Stat(filepath.Join(opts.Dir, "over"))
			over = err == nil // everything is written: this is the last life
			r.start(state)
			r.pump(400 * time.Millisecond)
			if over {
				r.drain()
			}
			if state == nil {
				fmt.Println("ready") // files that are rotated away before a very first start are nobody's
			}
			state = r.tail.State()
			r.tail.Close()
		}
		if st := r.tail.Stats(); st.GapBytes != 0 || len(r.tail.refused) != 0 {
			t.Errorf("gap %d, refused %v", st.GapBytes, st.Refused)
		}
		if err := os.WriteFile(filepath.Join(opts.Dir, "written"), nil, 0o600); err == nil {
			t.Error("the folder of the logs can be written to")
		}
		fmt.Printf("tally %v\n", r.got)
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root to give privileges up")
	}
	for _, tool := range []string{"setpriv", "unshare"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("needs %s (util-linux)", tool)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, shape := range []struct {
		name string
		flag string
		mode os.FileMode
	}{
		{"uid 65532 with CAP_DAC_READ_SEARCH", "--reuid 65532 --regid 65532 --clear-groups --inh-caps +dac_read_search --ambient-caps +dac_read_search --bounding-set -all,+dac_read_search --no-new-privs", 0o600},
		{"uid 0 without capabilities", "--inh-caps -all --ambient-caps -all --bounding-set -all --no-new-privs", 0o640},
	} {
		t.Run(shape.name, func(t *testing.T) {
			dir, err := os.MkdirTemp("/tmp", "plumbline-privilege-") // the parents of t.TempDir belong to root alone
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			binary, logs := filepath.Join(dir, "tail.test"), filepath.Join(dir, "logs")
			data, err := os.ReadFile(self)
			if err == nil {
				err = errors.Join(os.WriteFile(binary, data, 0o755), os.Mkdir(logs, 0o755), os.Chmod(dir, 0o755))
			}
			if err != nil {
				t.Fatal(err)
			}
			w := newWriter(t, filepath.Join(logs, "0.log"))
			k := &kubelet{t: t, w: w, keep: 5}
			script := "mount --make-rprivate / && mount -o remount,bind,ro / 2>/dev/null; mount --bind " + dir + " " + dir + " && mount -o remount,bind,ro " + dir + " && exec setpriv " + shape.flag +
				` "$0" -test.run '^TestLeastPrivilegeReadsRotatedFiles$'`
			cmd := exec.CommandContext(t.Context(), "unshare", "-m", "sh", "-c", script, binary)
			cmd.Env = append(os.Environ(), insideNamespace+"=TestLeastPrivilegeReadsRotatedFiles", "PLUMBLINE_TEST_LOGS="+logs)
			ready := &waitFor{text: "ready", seen: make(chan struct{})}
			cmd.Stdout, cmd.Stderr = ready, ready
			w.lines(100)
			if err := os.Chmod(w.path, shape.mode); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case <-ready.seen:
			case err := <-ended:
				if strings.Contains(ready.String(), "mount:") || strings.Contains(ready.String(), "unshare failed") {
					t.Skipf("needs the right to mount: %s", ready.String())
				}
				t.Fatalf("it ended early: %v\n%s", err, ready.String())
			}
			tick := time.NewTicker(200 * time.Millisecond)
			defer tick.Stop()
			for range 3 {
				w.lines(50)
				<-tick.C // between two lives, or in one
				k.rotate()
				w.reopen()
				w.lines(10)
				if err := os.Chmod(w.path, shape.mode); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(logs, "over"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; err != nil {
				t.Fatalf("%v\n%s", err, ready.String())
			}
			if want := fmt.Sprintf("tally %v\n", w.want); !strings.Contains(ready.String(), want) {
				t.Errorf("got\n%s\nwant %s", ready.String(), want)
			}
		})
	}
}
