package tail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

func sampleRecords() []record {
	return []record{
		{seq: 1, lineage: "/a/app.log", live: "/a/app.log", real: "/a/app.log", match: "/a/app.log", id: fileID{1, 2, 3}, size: 100,
			content: content{offset: 90, nhead: 90, nfront: 64, head: [16]byte{1}, front: [16]byte{2}}, holes: spans{{0, 5}, {7, 9}}},
		{seq: 2, flags: flagLeft | flagDone | flagLinked | flagMoved | flagMatched, lineage: "/l/x", live: "/p/0.log", real: "/p/0.log.gz",
			id: fileID{1, 9, 0}, size: 1 << 40, packed: gzipped, content: content{offset: 1 << 41, nhead: 1024, nfront: 64, marks: marks{{1, 2, 3}, {0, 5, 1 << 31}}}},
		{seq: 3, flags: flagLinked | flagMoved | flagMatched | flagCut, cut: 7, lineage: "/l/y", live: "", real: "/l/y-20260102", match: "/l/y-20260102"},
	}
}

func encode(asOf int64, next uint64, records []record) []byte {
	t := &Tailer{nextSeq: next, saved: records, asOf: asOf}
	return t.State()
}

func TestTheStateComesBackAsItWas(t *testing.T) {
	want := sampleRecords()
	asOf, next, got, err := decodeState(encode(77, 9, want))
	if err != nil || asOf != 77 || next != 9 || !reflect.DeepEqual(got, want) {
		t.Errorf("got %d %d %+v, %v", asOf, next, got, err)
	}
}

func FuzzState(f *testing.F) {
	f.Add(encode(77, 9, sampleRecords()))
	f.Add([]byte{stateVersion, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		asOf, next, records, err := decodeState(b)
		if err != nil {
			return
		}
		asOf2, next2, again, err := decodeState(encode(asOf, next, records))
		if err != nil || asOf2 != asOf || next2 != next || !reflect.DeepEqual(again, records) {
			t.Fatalf("%+v came back as %+v, %v", records, again, err)
		}
	})
}

func TestEveryTruncatedStateIsRefusedOrWhole(t *testing.T) {
	whole := encode(77, 9, sampleRecords())
	for cut := range whole {
		if _, _, _, err := decodeState(whole[:cut]); err == nil {
			t.Errorf("a state cut at byte %d of %d was taken", cut, len(whole))
		}
	}
}

func TestAnUnreadableStateDoesNotBlockTheStart(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		appendTo(t, in(opts, "a.log"), "a\n")
		opts.Include = []string{"*.log"}
		opts.State = []byte{99, 1, 2, 3}
		r := follow(t, opts)
		if got := r.text(2 * time.Second); got != "a\n" {
			t.Errorf("got %q", got)
		}
	})
}

func TestTheStateStaysEqualWhileNothingChanges(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"*.log"}
		for i := range 20 {
			appendTo(t, in(opts, fmt.Sprintf("%d.log", i)), "a\n")
		}
		r := follow(t, opts)
		r.text(5 * time.Second)
		before := r.tail.State()
		r.text(time.Hour)
		if !bytes.Equal(before, r.tail.State()) {
			t.Error("the state changed in an idle hour")
		}
		r.restart(before)
		if !bytes.Equal(before, r.tail.State()) {
			t.Error("the state of a Tailer that has not looked yet is not what it was given")
		}
		r.text(5 * time.Second)
		appendTo(t, in(opts, "3.log"), "b\n")
		if got := r.text(5 * time.Second); got != "b\n" {
			t.Errorf("got %q", got)
		}
		if bytes.Equal(before, r.tail.State()) {
			t.Error("the state did not change with the file")
		}
	})
}

func TestStartAtEndIsForTheVeryFirstStartOnly(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"*.log"}
		opts.StartAt = End
		appendTo(t, in(opts, "a.log"), "old\nhalf of an o")
		appendTo(t, in(opts, "b.log"), "old\n")
		r := follow(t, opts)
		got := r.text(2 * time.Second)
		appendTo(t, in(opts, "a.log"), "ld line\nnew a\n")
		appendTo(t, in(opts, "b.log"), "new b\n")
		appendTo(t, in(opts, "c.log"), "all of c\n")
		got += r.text(2 * time.Second)
		r.restart(r.tail.State())
		appendTo(t, in(opts, "d.log"), "all of d\n")
		got += r.text(2 * time.Second)
		for _, want := range []string{"new a\n", "new b\n", "all of c\n", "all of d\n"} {
			if strings.Count(got, want) != 1 {
				t.Errorf("%q is not once in %q", want, got)
			}
		}
		if strings.Contains(got, "old") || strings.Contains(got, "line") {
			t.Errorf("old lines in %q", got)
		}
	})
}

func TestSourcesKeepTheirIDAndLineage(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		path := in(opts, "app.log")
		ids := map[string]string{}
		var r *reader
		next := func(what string) (id, lineage, now string) {
			t.Helper()
			c, err := r.tail.Next(context.Background(), time.Now().Add(3*time.Second))
			if err != nil || c == nil {
				t.Fatalf("%s: %v %v", what, c, err)
			}
			return c.Source.ID(), c.Source.Lineage(), c.Source.Path()
		}
		appendTo(t, path, "1\n")
		r = follow(t, opts)
		first, lineage, _ := next("first")
		ids[first] = "first"
		appendTo(t, path, "2\n")
		state := r.tail.State()
		if err := os.Rename(path, path+".1"); err != nil {
			t.Fatal(err)
		}
		appendTo(t, path, "3\n")
		r.restart(state)
		id, l, now := next("after the restart")
		if id != first || l != lineage || now != path+".1" {
			t.Errorf("the renamed file is %s of %s at %s, want %s of %s", id, l, now, first, lineage)
		}
		id, l, now = next("the new one")
		if id == first || l != lineage || now != path {
			t.Errorf("the new file is %s of %s at %s", id, l, now)
		}
	})
}

func TestACancelledContextAndACloseEndNext(t *testing.T) {
	modes(t, func(t *testing.T, opts Options) {
		opts.Include = []string{"app.log"}
		r := follow(t, opts)
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(3*time.Second, cancel)
		start := time.Now()
		c, err := r.tail.Next(ctx, time.Now().Add(time.Hour))
		if c != nil || !errors.Is(err, context.Canceled) || time.Since(start) != 3*time.Second {
			t.Errorf("%v %v after %v", c, err, time.Since(start))
		}
		if err := r.tail.Close(); err != nil {
			t.Error(err)
		}
		if err := r.tail.Close(); err != nil {
			t.Error(err)
		}
		if _, err := r.tail.Next(context.Background(), time.Now()); !errors.Is(err, errClosed) {
			t.Errorf("after Close: %v", err)
		}
		r.tail.State()
	})
}
