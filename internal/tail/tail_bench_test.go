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

// TestIdleFilesCostAlmostNothing measures real CPU time: 5,000 idle files and one that is written.
func TestIdleFilesCostAlmostNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("measures for some seconds")
	}
	for mode, perFolder := range map[string]int{"watching": 1, "polling": 5000} {
		{
			t.Run(fmt.Sprintf("%s, %d a folder", mode, perFolder), func(t *testing.T) {
				const files = 5000
				dir := realPath(t.TempDir())
				for i := range files {
					folder := filepath.Join(dir, fmt.Sprintf("%04d", i/perFolder))
					if i%perFolder == 0 {
						if err := os.Mkdir(folder, 0o755); err != nil {
							t.Fatal(err)
						}
					}
					path, old := filepath.Join(folder, fmt.Sprintf("%04d.log", i)), time.Now().Add(-time.Hour)
					if err := os.WriteFile(path, []byte("a line\n"), 0o644); err != nil {
						t.Fatal(err)
					}
					if err := os.Chtimes(path, old, old); err != nil {
						t.Fatal(err)
					}
				}
				opts := Options{Include: []string{filepath.Join(dir, "*", "*.log")}}
				if mode == "polling" {
					opts.watch = func() (watcher, error) { return nil, errNoWatcher }
				}
				tail, err := New(opts)
				if err != nil {
					t.Fatal(err)
				}
				defer tail.Close()
				read := func(d time.Duration) (n int) {
					until := time.Now().Add(d)
					for {
						c, err := tail.Next(context.Background(), until)
						if err != nil {
							t.Fatal(err)
						}
						if c == nil {
							return n
						}
						n += bytes.Count(c.Data, []byte("\n"))
					}
				}
				if n := read(1500 * time.Millisecond); n != files {
					t.Fatalf("%d lines, want %d", n, files)
				}
				runtime.GC()
				const span = 2 * time.Second
				before := cpuTime()
				if n := read(span); n != 0 {
					t.Errorf("%d lines out of nothing", n)
				}
				share := float64(cpuTime()-before) / float64(span)
				t.Logf("%d idle files: %.2f %% of a core", files, 100*share)
				// The goal is 3 %; the machine that runs the tests may be busy.
				if share > 0.06 {
					t.Errorf("%.1f %% of a core", 100*share)
				}
			})
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
