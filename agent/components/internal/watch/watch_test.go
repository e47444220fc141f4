package watch

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// start runs a watcher and gives a function that waits for the next change, and one that sees that there is none.
// fsnotify needs the real clock, so the waits are real but end as soon as the change is seen.
func start(t *testing.T, opts Options) (changed func() bool) {
	t.Helper()
	seen := make(chan struct{}, 100)
	opts.OnChange = func() { seen <- struct{}{} }
	w, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	return func() bool {
		select {
		case <-seen:
			return true
		case <-time.After(5 * time.Second):
			return false
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAFileThatIsWrittenAppearsOrGoesIsAChange(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), "one")
	changed := start(t, Options{Paths: []string{dir}, Settle: 10 * time.Millisecond, Interval: time.Hour})

	write(t, filepath.Join(dir, "a.yaml"), "three")
	if !changed() {
		t.Error("a write was not noticed")
	}
	write(t, filepath.Join(dir, "b.yaml"), "new")
	if !changed() {
		t.Error("a new file was not noticed")
	}
	if err := os.Remove(filepath.Join(dir, "b.yaml")); err != nil {
		t.Fatal(err)
	}
	if !changed() {
		t.Error("a removed file was not noticed")
	}
}

func TestASingleFileReplacedByRenameIsAChange(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "routes.yaml")
	write(t, file, "one")
	changed := start(t, Options{Paths: []string{file}, Settle: 10 * time.Millisecond, Interval: time.Hour})
	for _, text := range []string{"two", "six"} { // same size: the inode tells
		write(t, file+".tmp", text)
		if err := os.Rename(file+".tmp", file); err != nil {
			t.Fatal(err)
		}
		if !changed() {
			t.Errorf("the replacement by %q was not noticed", text)
		}
	}
}

// A ConfigMap volume is dir/rules.yaml -> ..data/rules.yaml and ..data -> ..2026_03_01; an update renames a new
// link over ..data, and the name of the file itself never changes.
func TestTheSymlinkSwapOfAConfigMapIsAChange(t *testing.T) {
	dir := t.TempDir()
	version := func(name, text string) {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name, "rules.yaml"), text)
		if err := os.Symlink(name, filepath.Join(dir, "..data_tmp")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(filepath.Join(dir, "..data_tmp"), filepath.Join(dir, "..data")); err != nil {
			t.Fatal(err)
		}
	}
	version("..v1", "one")
	if err := os.Symlink("..data/rules.yaml", filepath.Join(dir, "rules.yaml")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "rules.yaml")} {
		name := "..v2" + filepath.Base(path)
		changed := start(t, Options{Paths: []string{path}, Settle: 10 * time.Millisecond, Interval: time.Hour})
		version(name, "two")
		if !changed() {
			t.Errorf("watching %s: the swap was not noticed", path)
		}
	}
}

func TestAChangeBetweenNewAndRunIsNotLost(t *testing.T) {
	dir := t.TempDir()
	seen := 0
	ctx, stop := context.WithCancel(t.Context())
	w, err := New(Options{Paths: []string{dir}, OnChange: func() { seen++; stop() }})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "a.yaml"), "one")
	w.Run(ctx)
	if seen != 1 {
		t.Errorf("%d changes, want 1", seen)
	}
}

func TestAFileThatIsStillBeingWrittenIsNotLoaded(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.yaml")
	write(t, file, "one")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	sizes := make(chan int64, 10)
	w, err := New(Options{Paths: []string{dir}, Settle: 20 * time.Millisecond, OnChange: func() {
		info, err := os.Stat(file)
		if err != nil {
			t.Error(err)
			return
		}
		sizes <- info.Size()
		stop()
	}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, file, "") // what an editor leaves between truncating and writing, at the moment of the first look
	go func() {
		time.Sleep(10 * time.Millisecond)
		write(t, file, "whole")
	}()
	w.Run(ctx)
	if size := <-sizes; size != int64(len("whole")) {
		t.Errorf("the change was told when the file had %d bytes", size)
	}
}

func TestAFolderThatDoesNotExistYetIsPickedUpByLooking(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later", "rules")
	changed := start(t, Options{Paths: []string{dir}, Settle: 10 * time.Millisecond, Interval: 20 * time.Millisecond})
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "a.yaml"), "one")
	if !changed() {
		t.Error("a folder that came later was not noticed")
	}
}

func TestATouchThatChangesNothingIsNoChange(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.yaml")
	write(t, file, "one")
	w, err := New(Options{Paths: []string{dir}, OnChange: func() {}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.events.Close()
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if w.fingerprint() != w.last {
		t.Error("a change of the mode looks like a change of the file")
	}
}
