package parse

import (
	"fmt"
	"testing"
)

func TestRequestAndResponseBecomeOneRecord(t *testing.T) {
	p := compile(t, "json", FormatOptions{Join: "id", MaxPending: 2}, Field{Path: "time", Time: true}, Field{Path: "score"}, Field{Path: "f.*"})
	got, held := feed(t, p, p.NewParser(),
		`{"id":"a","time":1795394464,"f":{"x":1,"y":"q"}}`,
		`{"id":"b","f":{"x":2}}`,
		`{"level":"info"}`,
		`{"id":"a","score":0.5}`,
		`{"score":0.1}`,
		`{"id":"b","score":0.25,"f":{"x":3}}`,
		`{"id":7,"f":{"x":4}}`,
		`{"id":8,"f":{"x":5}}`,
		`{"id":9,"f":{"x":6}}`,
		`{"id":7,"score":0.7}`,
		`{"id":9,"score":0.9}`,
	)
	want := []string{
		`pendingf.x=number 1 f.y=string "q" id=string "a" time=number 1.795394464e+09`, `pendingf.x=number 2 id=string "b"`, "ignored",
		`completef.x=number 1 f.y=string "q" id=string "a" score=number 0.5 time=number 1.795394464e+09`, "badorphanscore=number 0.1",
		`completef.x=number 3 id=string "b" score=number 0.25`, "pendingf.x=number 4 id=number 7", "pendingf.x=number 5 id=number 8",
		"pendingorphanf.x=number 6 id=number 9", "pendingorphanid=number 7 score=number 0.7", "completef.x=number 6 id=number 9 score=number 0.9",
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("line %d: got  %s\nwant %s", i, got[i], want[i])
		}
	}
	if fmt.Sprint(held) != "map[235:20]" && len(held) != 1 {
		t.Errorf("held: %v", held)
	}
}

func TestJoinedLinesCostNoAllocation(t *testing.T) {
	p := compile(t, "json", FormatOptions{Join: "id"}, paths("score", "f.*")...)
	parser := p.NewParser()
	var rec Record
	first, second := []byte(`{"id":"a","f":{"x":1}}`), []byte(`{"id":"a","score":0.5}`)
	run := func() {
		parser.Line(first, 0, &rec)
		if res := parser.Line(second, 1, &rec); res.Status != Complete || len(rec.Held) != 1 {
			t.Fatal(res)
		}
	}
	run()
	if n := testing.AllocsPerRun(50, run); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
