package agent

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"unsafe"
)

// TestTheExecutableIsMappedInSmallPieces does to the test's own process what a start does to the agent's, and walks through its text
// and constants: one byte in every piece.
func TestTheExecutableIsMappedInSmallPieces(t *testing.T) {
	spans, err := executable()
	if err != nil || len(spans) == 0 {
		t.Fatalf("%v, %v", spans, err)
	}
	if err := divide(spans); err != nil {
		t.Fatal(err)
	}
	again, err := executable()
	if err != nil || fmt.Sprint(again) != fmt.Sprint(spans) {
		t.Errorf("divided, it is found at %v, not %v: %v", again, spans, err)
	}
	exe, _ := os.Readlink("/proc/self/exe")
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(bytes.NewReader(maps)); lines.Scan(); {
		var from, to uintptr
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(lines.Text(), " "+exe) && mode[1] != 'w' && to-from > 2*max(mostMapped, uintptr(os.Getpagesize())) {
			t.Errorf("a piece of %d KiB: %s", (to-from)>>10, lines.Text())
		}
	}
	sum := byte(0)
	for _, s := range spans {
		text := unsafe.Slice((*byte)(*(*unsafe.Pointer)(unsafe.Pointer(&s.from))), s.to-s.from)
		for i := 0; i < len(text); i += mostMapped {
			sum += text[i]
		}
	}
	touched := mappedOfFiles(t)
	if err := release(spans); err != nil {
		t.Fatal(err)
	}
	if left := mappedOfFiles(t); left > touched/2 {
		t.Errorf("%d KiB of files were mapped, %d after they were given back (%d)", touched, left, sum)
	}
}

// mappedOfFiles is how many KiB of files are mapped by this process.
func mappedOfFiles(t *testing.T) (kib int) {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := bytes.Cut(status, []byte("RssFile:"))
	if _, err := fmt.Sscan(string(rest), &kib); err != nil {
		t.Fatal(err)
	}
	return kib
}
