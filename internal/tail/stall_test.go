package tail

import (
	"fmt"
	"os"
	"testing"
	"time"
)

// TestTenMinutesWithoutAReaderPinNoDescriptorsAndLoseNothing is the tail's part of goal 14: whoever takes the chunks stands still for
// ten minutes, in which the log is rotated every ten seconds and the oldest files are compressed.
func TestTenMinutesWithoutAReaderPinNoDescriptorsAndLoseNothing(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log*"}
		opts.MaxOpenFiles, opts.ChunkBytes = 8, 4096
		w := newWriter(t, in(opts, "app.log"))
		r := follow(t, opts)
		r.pump(time.Second)
		var total int64
		for i := range 60 {
			w.lines(50)
			st, err := os.Stat(w.path)
			if err != nil {
				t.Fatal(err)
			}
			total += st.Size()
			w.rotate(fmt.Sprintf("%s-20261123-%06d", w.path, i))
			w.reopen()
			time.Sleep(10 * time.Second) // virtual
		}
		var read int64
		for {
			c, err := r.tail.Next(t.Context(), time.Now().Add(3*time.Second))
			if err != nil {
				t.Fatal(err)
			}
			if c == nil {
				break
			}
			read += int64(len(c.Data))
			r.take(c)
			st := r.tail.Stats()
			if st.OpenFiles > 8 {
				t.Fatalf("%d files are open, want at most 8", st.OpenFiles)
			}
			if int64(st.LagBytes) != total-read {
				t.Fatalf("lag %d after %d of %d bytes, want %d", st.LagBytes, read, total, total-read)
			}
		}
		r.check(w.want)
		if st := r.tail.Stats(); st.GapBytes != 0 || st.LagBytes != 0 {
			t.Errorf("gap %d, lag %d", st.GapBytes, st.LagBytes)
		}
	})
}
