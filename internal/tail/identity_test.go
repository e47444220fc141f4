package tail

import (
	"fmt"
	"os"
	"testing"
	"time"
)

func TestAReusedInodeIsANewFile(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		w := newWriter(t, in(opts, "app.log"))
		r := follow(t, opts)
		for i := range 100 {
			w.lines(3 + i%7)
			r.drain()
			if err := os.Remove(w.path); err != nil {
				t.Fatal(err)
			}
			if i%2 == 0 {
				// Everything that holds the inode is closed, so that ext4 gives it to the next file.
				w.f.Close()
				r.pump(5 * time.Second)
			}
			w.reopen()
		}
		r.drain()
		r.check(w.want)
	})
}

func TestAReusedInodeIsANewFileAfterARestart(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		w := newWriter(t, in(opts, "app.log"))
		r := follow(t, opts)
		reused := 0
		for i := range 200 {
			w.lines(3 + i%7)
			r.drain()
			before, err := os.Stat(w.path)
			if err != nil {
				t.Fatal(err)
			}
			state := r.tail.State()
			r.tail.Close()
			w.f.Close()
			if err := os.Remove(w.path); err != nil {
				t.Fatal(err)
			}
			w.reopen()
			if after, err := os.Stat(w.path); err == nil && os.SameFile(before, after) {
				reused++
			}
			r.start(state)
		}
		r.drain()
		r.check(w.want)
		t.Logf("%d of 200 files got the inode of the one before", reused)
	})
}

func TestHardLinksAreReadOnce(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"*.log"}
		w := newWriter(t, in(opts, "a.log"))
		w.lines(10)
		for _, name := range []string{"b.log", "c.log"} {
			if err := os.Link(w.path, in(opts, name)); err != nil {
				t.Fatal(err)
			}
		}
		r := follow(t, opts)
		r.drain()
		w.lines(10)
		r.drain()
		for _, name := range []string{"a.log", "b.log"} {
			if err := os.Remove(in(opts, name)); err != nil {
				t.Fatal(err)
			}
			w.lines(10)
			r.drain()
			r.restart(r.tail.State())
		}
		r.drain()
		r.check(w.want)
		if st := r.tail.Stats(); st.Files != 1 {
			t.Errorf("%d files followed, want 1", st.Files)
		}
	})
}

func TestALinkThatIsPointedElsewhereIsFollowed(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		// As in /var/log/containers, which leads to /var/log/pods.
		for _, dir := range []string{"containers", "pods/0", "pods/1", "pods/2"} {
			if err := os.MkdirAll(in(opts, dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		opts.Include = []string{"containers/*.log"}
		opts.Roots = []string{"containers", "pods"}
		link := in(opts, "containers", "app_ns_server-abc.log")
		var w *lineWriter
		r := follow(t, opts)
		for i := range 3 {
			next := newWriter(t, in(opts, "pods", fmt.Sprint(i), "0.log"))
			if w != nil {
				next.next, next.want = w.next, w.want
			}
			w = next
			w.lines(20)
			if err := os.Symlink(w.path, link+".new"); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(link+".new", link); err != nil {
				t.Fatal(err)
			}
			r.drain()
			w.lines(20)
			r.pump(1200 * time.Millisecond)
			// The kubelet rotates behind the link.
			w.lines(5)
			w.rotate(w.path + ".20261123-01020" + fmt.Sprint(i))
			w.lines(5)
			w.reopen()
			w.lines(5)
			r.drain()
			if i == 1 {
				r.restart(r.tail.State())
			}
		}
		r.drain()
		r.check(w.want)
		if err := os.Symlink("app_ns_server-abc.log", in(opts, "containers", "second.log")); err != nil {
			t.Fatal(err)
		}
		w.lines(5)
		r.drain()
		r.check(w.want)
	})
}

func TestDownBehindALinkGoesOnInTheRotatedFiles(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		for _, dir := range []string{"containers", "pods"} {
			if err := os.MkdirAll(in(opts, dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		opts.Include = []string{"containers/*.log"}
		opts.Roots = []string{opts.Dir}
		w := newWriter(t, in(opts, "pods", "0.log"))
		k := &kubelet{t: t, w: w, keep: 5}
		if err := os.Symlink(w.path, in(opts, "containers", "a.log")); err != nil {
			t.Fatal(err)
		}
		w.lines(20)
		r := follow(t, opts)
		r.drain()
		for range 3 {
			state := r.tail.State()
			for range 3 {
				w.lines(20)
				k.rotate()
				w.reopen()
			}
			w.lines(20)
			r.restart(state)
			r.drain()
			r.pump(20 * time.Second)
		}
		r.check(w.want)
	})
}
