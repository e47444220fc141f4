package ingest

import (
	"bytes"
	"testing"
)

func TestPiecesEndOnLineBoundariesAndLoseNothing(t *testing.T) {
	data := bytes.Repeat([]byte("a line of a log that is caught up on\n"), 2000)
	for _, most := range []int{0, 1, 37, 38, 5000, 1 << 20} {
		r := &route{more: true, most: most}
		var all []byte
		for rest := data; len(rest) > 0; {
			n := r.piece(rest)
			if n <= 0 || rest[n-1] != '\n' {
				t.Fatalf("with %d bytes a piece ends after %d, in the middle of a line", most, n)
			}
			all, rest = append(all, rest[:n]...), rest[n:]
		}
		if !bytes.Equal(all, data) {
			t.Errorf("with %d bytes the pieces are not the whole", most)
		}
	}
	if n := (&route{most: 37}).piece(data); n != len(data) {
		t.Errorf("when there is no more to read the piece is %d bytes, want the whole chunk", n)
	}
	if n := (&route{more: true, most: 37}).piece([]byte("cut at the end of the file, no line end here........")); n != 52 {
		t.Errorf("a piece without a line end is %d bytes, want all", n)
	}
}
