package inferencelogreceiver

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// paddedLine is a record whose line has that many bytes without its newline.
func paddedLine(t *testing.T, size int) string {
	t.Helper()
	const head, tail = `{"ts":1790000000,"score":0.5,"pad":"`, `"}`
	if size < len(head)+len(tail) {
		t.Fatalf("a line of %d bytes is too short for a record", size)
	}
	return head + strings.Repeat("x", size-len(head)-len(tail)) + tail + "\n"
}

func (b *bench) file(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(b.dir, "app", name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestALineOfTheLimitIsReadAndOneByteMoreIsCounted(t *testing.T) {
	for _, limit := range []int{100, 0} {
		t.Run(fmt.Sprint("max_line_bytes ", limit), func(t *testing.T) {
			b := newBench(t)
			b.model(t, "spam")
			b.cfg.MaxLineBytes = limit
			size := limit
			if size == 0 {
				size = 1 << 20 // the default, as docs/configuration.md says
			}
			b.file(t, "a.jsonl", paddedLine(t, size)+paddedLine(t, size+1)+paddedLine(t, 60))
			r := b.start(t)
			defer stop(t, r)
			b.sink.until(t, "two records and one long line", func(v map[string]float64) bool {
				return v[spamRecords] == 2 && v["plumbline_tail_oversize_lines_total"] == 1
			})
		})
	}
}

func TestAFileMoreThanTheLimitIsRefusedByReason(t *testing.T) {
	b := newBench(t)
	b.model(t, "spam")
	b.cfg.MaxFiles = 3
	for i := range 4 {
		b.file(t, fmt.Sprintf("%d.jsonl", i), paddedLine(t, 60))
	}
	r := b.start(t)
	defer stop(t, r)
	b.sink.until(t, "three files read and one refused", func(v map[string]float64) bool {
		return v[spamRecords] == 3 && v["plumbline_tail_files"] == 3 && v["plumbline_tail_refused_files_total|limit"] == 1
	})
}

func TestMoreFilesThanMayBeOpenAreAllRead(t *testing.T) {
	b := newBench(t)
	b.model(t, "spam")
	b.cfg.MaxOpenFiles = 8 // the fewest
	for i := range 20 {
		b.file(t, fmt.Sprintf("%02d.jsonl", i), paddedLine(t, 60))
	}
	r := b.start(t)
	defer stop(t, r)
	b.sink.until(t, "twenty files with eight descriptors", func(v map[string]float64) bool {
		if n := openBelow(t, filepath.Join(b.dir, "app")); n > 8 {
			t.Errorf("%d descriptors are open, at most 8 are allowed", n)
		}
		return v[spamRecords] == 20 && v["plumbline_tail_files"] == 20
	})
}

// openBelow counts the descriptors of this process for files in a folder; 0 where the system does not tell.
func openBelow(t *testing.T, dir string) (n int) {
	t.Helper()
	fds, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && filepath.Dir(to) == dir && strings.HasSuffix(to, ".jsonl") {
			n++
		}
	}
	return n
}
