package tail

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestGlobsMatch(t *testing.T) {
	for _, test := range []struct {
		glob, path string
		want       bool
	}{
		{"/var/log/app.log", "/var/log/app.log", true},
		{"/var/log/app.log", "/var/log/app.log.1", false},
		{"/var/log/*.log", "/var/log/a.log", true},
		{"/var/log/*.log", "/var/log/x/a.log", false},
		{"/var/log/**/*.log", "/var/log/a.log", true},
		{"/var/log/**/*.log", "/var/log/x/y/z/a.log", true},
		{"/var/log/**", "/var/log/x/y", true},
		{"/var/log/**", "/var/log", false},
		{"/**/a.log", "/a.log", true},
		{"/**/x/**/a.log", "/1/x/2/3/a.log", true},
		{"/**/x/**/a.log", "/1/y/2/a.log", false},
		{"/var/log/pods/*_spam-*_*/server/*.log", "/var/log/pods/ns_spam-1_uid/server/0.log", true},
		{"/var/log/pods/*_spam-*_*/server/*.log", "/var/log/pods/ns_ham-1_uid/server/0.log", false},
		{"/a/[0-9]?.log", "/a/1x.log", true},
		{"/a/[0-9]?.log", "/a/x1.log", false},
		{"/a/{b,c/d,e{f,g}}.log", "/a/b.log", true},
		{"/a/{b,c/d,e{f,g}}.log", "/a/c/d.log", true},
		{"/a/{b,c/d,e{f,g}}.log", "/a/eg.log", true},
		{"/a/{b,c/d,e{f,g}}.log", "/a/e.log", false},
		{`/a/\{b\}.log`, "/a/{b}.log", true},
		{"/a/b**.log", "/a/bcd.log", true}, // two stars within a name are one
		{"/a/../b/*.log", "/b/x.log", true},
		{"/a/[", "/a/[", false},
		{"logs/*.log", "logs/a.log", true},
		{"logs/*.log", "/logs/a.log", false},
	} {
		if got := Match(test.glob, test.path); got != test.want {
			t.Errorf("Match(%q, %q) = %v", test.glob, test.path, got)
		}
	}
}

func FuzzMatchNeverFails(f *testing.F) {
	f.Add("/var/**/{a,b}*.log", "/var/log/a1.log")
	f.Add("a[b-c]{,d}", "/x")
	f.Fuzz(func(t *testing.T, glob, path string) {
		if len(glob) > 64 || len(path) > 64 {
			return
		}
		Match(glob, path)
	})
}

func TestAFolderNameWithWildcardsIsTakenAsItIs(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Dir = in(opts, "odd [x] *{name}")
		if err := os.Mkdir(opts.Dir, 0o755); err != nil {
			t.Fatal(err)
		}
		appendTo(t, in(opts, "a.log"), "a\n")
		opts.Include = []string{"*.log"}
		r := follow(t, opts)
		if got := r.text(2 * time.Second); got != "a\n" {
			t.Errorf("got %q", got)
		}
	})
}

func TestExcludedFilesAndUnwantedFoldersAreLeftAlone(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		for _, dir := range []string{"a", "a/deep/er", "skip"} {
			if err := os.MkdirAll(in(opts, dir), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		opts.Include = []string{"**/*.log"}
		opts.Exclude = []string{"skip/**", "**/debug*.log"}
		for _, path := range []string{"1.log", "a/2.log", "a/debug2.log", "a/deep/er/3.log", "skip/4.log", "debug.log", "a/other.txt"} {
			appendTo(t, in(opts, path), filepath.Base(path)+"\n")
		}
		if err := os.Symlink("..", in(opts, "a", "circle")); err != nil {
			t.Fatal(err)
		}
		r := follow(t, opts)
		got := map[string]int{}
		collect := func() {
			for {
				c, err := r.tail.Next(t.Context(), time.Now().Add(2*time.Second))
				if err != nil {
					t.Fatal(err)
				}
				if c == nil {
					return
				}
				got[c.Source.Path()]++
			}
		}
		collect()
		if len(got) != 3 || got[in(opts, "1.log")] != 1 || got[in(opts, "a/2.log")] != 1 || got[in(opts, "a/deep/er/3.log")] != 1 {
			t.Errorf("read %v", got)
		}
		// A folder that is moved away and back, and one that is replaced.
		if err := os.Rename(in(opts, "a/deep"), in(opts, "gone")); err != nil {
			t.Fatal(err)
		}
		collect()
		appendTo(t, in(opts, "gone/er/3.log"), "more\n")
		collect()
		if err := os.RemoveAll(in(opts, "a")); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(in(opts, "a"), 0o755); err != nil {
			t.Fatal(err)
		}
		appendTo(t, in(opts, "a/2.log"), "new\n")
		collect()
		total := 0
		for _, n := range got {
			total += n
		}
		if total != 5 {
			t.Errorf("%d chunks from %v, want 5", total, got)
		}
	})
}
