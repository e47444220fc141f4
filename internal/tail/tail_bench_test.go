package tail

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// benchFile writes size bytes of lines of about 520 bytes and returns the path.
func benchFile(b testing.TB, size int) string {
	b.Helper()
	path := filepath.Join(realPath(b.TempDir()), "bench.log")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 0, 1<<20)
	for i := 0; len(block) < 1<<20-520; i++ {
		block = fmt.Appendf(block, `{"i":%d,"score":0.%04d,"pad":"%s"}`+"\n", i, i%9999, bytes.Repeat([]byte("x"), 480))
	}
	for done := 0; done < size; done += len(block) {
		if _, err := f.Write(block); err != nil {
			b.Fatal(err)
		}
	}
	return path
}

// BenchmarkNext reads 100 MB through the Tailer; BenchmarkPlainRead reads the same with the same chunks and nothing
// else. The quotient is what following costs.
func BenchmarkNext(b *testing.B) {
	path := benchFile(b, 100<<20)
	st, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(st.Size())
	b.ReportAllocs()
	for b.Loop() {
		t, err := New(Options{Include: []string{path}})
		if err != nil {
			b.Fatal(err)
		}
		var n int64
		for n < st.Size() {
			c, err := t.Next(context.Background(), time.Now().Add(time.Second))
			if err != nil || c == nil {
				b.Fatal(c, err)
			}
			n += int64(len(c.Data))
		}
		t.Close()
	}
}

func BenchmarkPlainRead(b *testing.B) {
	path := benchFile(b, 100<<20)
	st, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(st.Size())
	buf := make([]byte, 256<<10)
	for b.Loop() {
		f, err := os.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		for at := int64(0); at < st.Size(); {
			n, err := f.ReadAt(buf, at)
			if n == 0 {
				b.Fatal(err)
			}
			at += int64(n)
		}
		f.Close()
	}
}

func BenchmarkState5000(b *testing.B) {
	dir := realPath(b.TempDir())
	for i := range 5000 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%04d.log", i)), []byte("a line\n"), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	t, err := New(Options{Include: []string{filepath.Join(dir, "*.log")}})
	if err != nil {
		b.Fatal(err)
	}
	defer t.Close()
	for !t.Caught() {
		if _, err := t.Next(context.Background(), time.Now().Add(100*time.Millisecond)); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	size := 0
	for b.Loop() {
		size = len(t.State())
	}
	b.ReportMetric(float64(size), "bytes")
}

func TestReadingAllocatesNothingPerChunk(t *testing.T) {
	path := benchFile(t, 16<<20)
	tail, err := New(Options{Include: []string{path}, ChunkBytes: 16 << 10})
	if err != nil {
		t.Fatal(err)
	}
	defer tail.Close()
	until := time.Now().Add(time.Minute)
	next := func() {
		if c, err := tail.Next(context.Background(), until); err != nil || c == nil {
			t.Fatal(c, err)
		}
	}
	next()
	next()
	tail.nextTick = time.Now().Add(time.Hour) // looking may allocate
	if n := testing.AllocsPerRun(500, next); n > 0 {
		t.Errorf("%v allocations per chunk", n)
	}
}

// idleFiles makes files that were last written an hour ago, so many in each folder, and returns a pattern for all.
func idleFiles(t testing.TB, files, perFolder int) string {
	t.Helper()
	dir := realPath(t.TempDir())
	old := time.Now().Add(-time.Hour)
	for i := range files {
		folder := filepath.Join(dir, fmt.Sprintf("%05d", i/perFolder))
		if i%perFolder == 0 {
			if err := os.Mkdir(folder, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(folder, fmt.Sprintf("%05d.log", i))
		if err := os.WriteFile(path, []byte("a line\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "*", "*.log")
}

// TestIdleFilesAreHardlyLookedAt counts looks, because time depends on the machine: a watched file is looked at once
// in 30 seconds, should a notification be missing, a polled one once or twice a second, with its folder, and none is read.
// BenchmarkIdleFiles says what that costs.
func TestIdleFilesAreHardlyLookedAt(t *testing.T) {
	const files = 500
	for _, test := range []struct {
		mode      string
		perFolder int
		seconds   int
		most      uint64 // looks at one file
	}{
		{"watching", 1, 60, 5}, {"watching", files, 60, 5}, {"polling", files, 10, 30}, {"polling", 1, 10, 40},
	} {
		t.Run(fmt.Sprintf("%s, %d a folder", test.mode, test.perFolder), func(t *testing.T) {
			pattern := idleFiles(t, files, test.perFolder)
			synctest.Test(t, func(t *testing.T) {
				opts := Options{Include: []string{pattern}, watch: newVirtual}
				if test.mode == "polling" {
					opts.watch = func() (watcher, error) { return nil, errNoWatcher }
				}
				r := follow(t, opts)
				r.pump(2 * time.Second)
				if r.bad != files || !r.tail.Caught() {
					t.Fatalf("%d lines, want %d", r.bad, files)
				}
				before := r.tail.Stats()
				r.pump(time.Duration(test.seconds) * time.Second)
				after := r.tail.Stats()
				if looks := after.Looks - before.Looks; looks > test.most*files {
					t.Errorf("%d looks in %d s, want at most %d for each of %d files", looks, test.seconds, test.most, files)
				}
				if after.Reads != before.Reads || after.Bytes != before.Bytes {
					t.Errorf("%d reads and %d bytes of idle files", after.Reads-before.Reads, after.Bytes-before.Bytes)
				}
			})
		})
	}
}

// BenchmarkIdleFiles says which share of a core idle files cost, and how long a new line takes to be read among them.
func BenchmarkIdleFiles(b *testing.B) {
	for _, files := range []int{5000, 10000} {
		for _, mode := range []string{"watching", "polling"} {
			for _, perFolder := range []int{1, files} {
				b.Run(fmt.Sprintf("%d files, %d a folder, %s", files, perFolder, mode), func(b *testing.B) {
					opts := Options{Include: []string{idleFiles(b, files, perFolder)}}
					if mode == "polling" {
						opts.watch = func() (watcher, error) { return nil, errNoWatcher }
					}
					tail, err := New(opts)
					if err != nil {
						b.Fatal(err)
					}
					defer tail.Close()
					read := func(d time.Duration) {
						for until := time.Now().Add(d); ; {
							c, err := tail.Next(context.Background(), until)
							if err != nil {
								b.Fatal(err)
							}
							if c == nil {
								return
							}
						}
					}
					read(3 * time.Second)
					runtime.GC()
					began, before := time.Now(), cpuTime()
					for b.Loop() {
						read(4 * time.Second)
					}
					b.ReportMetric(100*float64(cpuTime()-before)/float64(time.Since(began)), "%core")
				})
			}
		}
	}
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
