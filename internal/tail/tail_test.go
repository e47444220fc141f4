package tail

import (
	"os"
	"testing"
	"time"
)

func TestExistingAndLaterFilesAreRead(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"**/*.log"}
		a := newWriter(t, in(opts, "a.log"))
		a.lines(100)
		r := follow(t, opts)
		r.drain()
		r.check(a.want)
		a.lines(50)
		r.drain()
		r.check(a.want)

		if err := os.MkdirAll(in(opts, "x", "y"), 0o755); err != nil {
			t.Fatal(err)
		}
		b := newWriter(t, in(opts, "x", "y", "b.log"))
		b.next = a.next
		b.want = a.want
		b.lines(70)
		r.drain()
		r.check(b.want)
		if n := r.tail.Stats().Files; n != 2 {
			t.Errorf("%d files followed, want 2", n)
		}
	})
}

func TestRenamedFilesAreReadToTheirEndBeforeTheNext(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		w := newWriter(t, in(opts, "app.log"))
		r := follow(t, opts)
		for i := range 20 {
			w.lines(30)
			r.pump(300 * time.Millisecond)
			w.lines(10)
			w.rotate(in(opts, "old."+string(rune('a'+i))))
			w.lines(5) // the writer goes on in the renamed file until it is told
			w.reopen()
			w.lines(3)
		}
		r.drain()
		r.check(w.want)
		if got := r.tail.Stats().Rotations["rename"]; got != 20 {
			t.Errorf("%d renames noticed, want 20", got)
		}
		if st := r.tail.Stats(); st.GapBytes != 0 || st.LagBytes != 0 {
			t.Errorf("gap %d, lag %d, want none", st.GapBytes, st.LagBytes)
		}
	})
}

func TestATruncatedFileIsReadFromItsBeginning(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		w := newWriter(t, in(opts, "app.log"))
		r := follow(t, opts)
		for range 10 {
			w.lines(100)
			r.drain()
			if err := os.Truncate(w.path, 0); err != nil {
				t.Fatal(err)
			}
			w.lines(20) // shorter than the offset
			r.drain()
		}
		for range 10 {
			w.lines(10)
			r.drain()
			if err := os.Truncate(w.path, 0); err != nil {
				t.Fatal(err)
			}
			w.lines(200) // far past the offset
			r.drain()
		}
		r.check(w.want)
		if st := r.tail.Stats(); st.GapBytes != 0 || st.Rotations["truncate"] != 20 {
			t.Errorf("gap %d, %d truncations, want none and 20", st.GapBytes, st.Rotations["truncate"])
		}
	})
}

func TestARestartGoesOnWhereTheStateWasTaken(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		opts.ChunkBytes = 512
		w := newWriter(t, in(opts, "app.log"))
		w.lines(100)
		r := follow(t, opts)
		r.drain()
		for i := range 30 {
			w.lines(20)
			if i%3 == 1 {
				w.rotate(in(opts, "app.log."+string(rune('a'+i))))
				w.reopen()
				w.lines(4)
			}
			r.pump(100 * time.Millisecond)
			r.restart(r.tail.State())
		}
		r.drain()
		r.check(w.want)
	})
}
