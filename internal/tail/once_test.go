package tail

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func packed(t *testing.T, kind string, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	switch kind {
	case "plain":
		return data
	case "gzip", "two gzip members":
		halves := [][]byte{data}
		if kind != "gzip" {
			halves = [][]byte{data[:len(data)/3], data[len(data)/3:]}
		}
		for _, half := range halves {
			z := gzip.NewWriter(&b)
			if _, err := z.Write(half); err != nil {
				t.Fatal(err)
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
		}
	case "zstd":
		z, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := z.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestReadOnceReadsEveryPackingTheSame(t *testing.T) {
	var want bytes.Buffer
	for i := range 20000 {
		fmt.Fprintf(&want, "line %d %s\n", i, strings.Repeat("x", i%97))
	}
	long := strings.Repeat("y", 5000) + "\n"
	data := append([]byte(long), want.Bytes()...)
	data = append(data, long...)
	data = append(data, "no newline"...)
	want.WriteString("no newline")
	for _, kind := range []string{"plain", "gzip", "two gzip members", "zstd"} {
		path := filepath.Join(t.TempDir(), "x.log")
		if err := os.WriteFile(path, packed(t, kind, data), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, chunk := range []int{100, 4096, 0} {
			var got bytes.Buffer
			first := 0
			err := ReadOnce(path, Options{ChunkBytes: chunk, MaxLineBytes: 4000}, func(c *Chunk) error {
				if c.First {
					first++
				}
				if !bytes.Equal(data[c.Offset:c.Offset+int64(len(c.Data))], c.Data) {
					t.Fatalf("%s: the chunk at %d is not what stands there", kind, c.Offset)
				}
				got.Write(c.Data)
				return nil
			})
			if err != nil || first != 1 || !bytes.Equal(got.Bytes(), want.Bytes()) {
				t.Errorf("%s, chunks of %d: %d bytes, first %d times, %v; want %d bytes", kind, chunk, got.Len(), first, err, want.Len())
			}
		}
	}
}

func TestCompressedFilesAreReadAFewAtATime(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"*"}
		opts.ChunkBytes = 1024
		var want int
		for i := range 30 {
			kind := []string{"gzip", "zstd"}[i%2]
			data := bytes.Repeat([]byte("a line of some length\n"), 500)
			want += len(data)
			if err := os.WriteFile(in(opts, fmt.Sprintf("%02d", i)+map[string]string{"gzip": ".gz", "zstd": ".zst"}[kind]), packed(t, kind, data), 0o644); err != nil {
				t.Fatal(err)
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
			if n := r.tail.streams(); n > maxStreams {
				t.Fatalf("%d decompressors, want %d at the most", n, maxStreams)
			}
		}
		if got != want || r.tail.streams() != 0 || r.tail.Stats().LagBytes != 0 {
			t.Errorf("%d bytes, want %d; %d decompressors; %+v", got, want, r.tail.streams(), r.tail.Stats())
		}
		r.restart(r.tail.State())
		if again := r.text(3 * time.Second); again != "" {
			t.Errorf("%d bytes again after a restart", len(again))
		}
	})
}

func TestABrokenCompressedFileGivesWhatCanBeReadAndCountsTheRest(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"too short":      func(b []byte) []byte { return b[:len(b)*3/4] },
		"wrong checksum": func(b []byte) []byte { b[len(b)-6] ^= 0xff; return b },
	} {
		t.Run(name, func(t *testing.T) {
			modes(t, func(t *testing.T, opts Options) {
				opts.Include = []string{"app.log"}
				opts.ChunkBytes = 4096
				w := newWriter(t, in(opts, "app.log"))
				w.lines(3000)
				r := follow(t, opts)
				c, err := r.tail.Next(t.Context(), time.Now().Add(time.Second))
				if err != nil || c == nil {
					t.Fatal(c, err)
				}
				r.take(c)
				state := r.tail.State()
				st, err := os.Stat(w.path)
				if err != nil {
					t.Fatal(err)
				}
				w.rotate(in(opts, "app.log.1"))
				w.reopen()
				gzipFile(t, in(opts, "app.log.1"))
				data, err := os.ReadFile(in(opts, "app.log.1.gz"))
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(in(opts, "app.log.1.gz"), damage(data), 0o644); err != nil {
					t.Fatal(err)
				}
				from := w.next
				w.lines(10)
				r.restart(state)
				var read uint64
				until := time.Now().Add(2 * time.Minute)
				for {
					c, err := r.tail.Next(t.Context(), until)
					if err != nil {
						t.Fatal(err)
					}
					if c == nil {
						break
					}
					r.take(c)
					if c.Source.Path() != w.path {
						read = uint64(c.Offset) + uint64(len(c.Data))
					}
				}
				for i := uint64(1); i <= w.next; i++ {
					if n := r.lines[i]; n > 1 || n == 0 && (i > from || name != "too short") {
						t.Fatalf("line %d came %d times", i, n)
					}
				}
				stats := r.tail.Stats()
				if gap := uint64(st.Size()) - read; stats.GapBytes != gap || r.bad != 0 || (gap == 0) != (name == "wrong checksum") {
					t.Errorf("gap %d, want %d; %d broken lines", stats.GapBytes, gap, r.bad)
				}
				if refused := stats.Refused["compressed"]; (refused == 1) != (name == "wrong checksum") {
					t.Errorf("refused %v", stats.Refused)
				}
			})
		})
	}
}

func TestReadOnceSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	whole := packed(t, "gzip", bytes.Repeat([]byte("some line\n"), 10000))
	damaged := bytes.Clone(whole)
	damaged[len(damaged)/2] ^= 0x55
	for name, data := range map[string][]byte{
		"short.gz": whole[:len(whole)-9], "damaged.gz": damaged, "other.bz2": []byte("BZh91AY&SY"),
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		err := ReadOnce(path, Options{}, func(*Chunk) error { return nil })
		if err == nil || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want an error with the path", name, err)
		}
	}
	if err := ReadOnce(filepath.Join(dir, "missing"), Options{}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing: %v", err)
	}
	path := filepath.Join(dir, "empty")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := ReadOnce(path, Options{}, func(*Chunk) error { return errors.New("called") }); err != nil {
		t.Errorf("empty: %v", err)
	}
	stop := errors.New("stop")
	if err := ReadOnce(filepath.Join(dir, "short.gz"), Options{ChunkBytes: 16}, func(*Chunk) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("yield's error is %v", err)
	}
}
