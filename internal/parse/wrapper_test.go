package parse

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// feed gives lines to a parser and returns what came of each, and what is held in the end.
func feed(t testing.TB, p *Plan, parser *Parser, input ...string) (got []string, held map[int64]int) {
	t.Helper()
	held = map[int64]int{}
	var rec Record
	offset := int64(0)
	for _, line := range input {
		res := parser.Line([]byte(line), offset, &rec)
		got = append(got, fmt.Sprintf("%v%v%v", res.Status, res.Reason, strings.Join(show(p, &rec), " ")))
		if res.Status == Pending {
			held[offset] = len(line)
		}
		for _, r := range append(rec.Held, parser.Expired()...) {
			if held[r.Offset] != r.Length {
				t.Errorf("released %v, which was not held", r)
			}
			delete(held, r.Offset)
		}
		offset += int64(len(line)) + 1
	}
	return got, held
}

func TestContainerPiecesAreJoinedPerStream(t *testing.T) {
	const at = "2023-06-22T10:27:25.813799277Z "
	p := compile(t, "json", FormatOptions{}, paths("a", "b")...)
	got, held := feed(t, p, p.NewParser(),
		at+`stdout F {"a":1,"b":2}`,
		at+`stdout P {"a":1,`,
		at+`stderr P {"a":`,
		at+`stdout P "b"`,
		at+`stderr F:tag 9}`,
		at+`stdout F :3}`,
		at+`stdout F`,
		at+`stdout X {"a":1}`,
		`{"a":4}`,
		`{"log":"{\"a\":5,\"b\":\"x\\\"\\u00e9\"}\n","stream":"stdout","time":"2024-03-30T08:31:20.545192187Z"}`,
		`{"log":"{\"a\":","stream":"stdout","attrs":{"tag":"x"},"time":"2024-03-30T08:31:20.545192187Z"}`,
		`{"log":"6}\n","stream":"stdout","time":"2024-03-30T08:31:20.545192187Z"}`,
		`{"log":"x\n","time":"2024-03-30T08:31:20Z","a":7}`,
	)
	want := []string{
		"completea=number 1 b=number 2",
		"pending", "pending", "pending", "completea=number 9", "completea=number 1 b=number 3", "ignored", "badnot_json",
		"completea=number 4", `completea=number 5 b=string "x\"é"`, "pending", "completea=number 6", "completea=number 7",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(held) != 0 {
		t.Errorf("still held: %v", held)
	}
}

func TestTheContainersTimeIsKept(t *testing.T) {
	p := compile(t, "json", FormatOptions{}, paths("a")...)
	parser := p.NewParser()
	var rec Record
	parser.Line([]byte(`2024-04-13T07:59:37.505201169-05:00 stdout F {"a":1}`), 0, &rec)
	if want := time.Date(2024, 4, 13, 12, 59, 37, 505201169, time.UTC).UnixNano(); rec.WrapperTime != want {
		t.Errorf("got %d, want %d", rec.WrapperTime, want)
	}
	parser.Line([]byte(`{"a":1}`), 0, &rec)
	if rec.WrapperTime != 0 {
		t.Errorf("a plain line has a container time")
	}
}

func TestPiecesThatGrowTooLongAreGivenUpOnce(t *testing.T) {
	const at = "2023-06-22T10:27:25Z stdout "
	p := compile(t, "json", FormatOptions{MaxLineBytes: 20}, paths("a")...)
	got, held := feed(t, p, p.NewParser(), at+`P {"a":"`, at+`P 123456789`, at+`P 123456789`, at+`P 123456789`, at+`F "}`, at+`F {"a":1}`)
	if want := "[pending pending badoversize ignored ignored completea=number 1]"; fmt.Sprint(got) != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if len(held) != 0 {
		t.Errorf("still held: %v", held)
	}
}

func TestAStreamThatEndsWithoutItsLastPieceIsReadByFinish(t *testing.T) {
	const at = "2023-06-22T10:27:25Z stdout "
	p := compile(t, "json", FormatOptions{}, paths("a")...)
	parser := p.NewParser()
	var rec Record
	if res := parser.Line([]byte(at+`P {"a":1}`), 100, &rec); res.Status != Pending {
		t.Fatal(res)
	}
	if res := parser.Finish(&rec); res.Status != Complete || len(rec.Held) != 1 || rec.Held[0].Offset != 100 {
		t.Errorf("got %v, held %v", res, rec.Held)
	}
	if res := parser.Finish(&rec); res.Status != Ignored {
		t.Errorf("got %v", res)
	}
}

func TestALineOfTooManyPiecesIsGivenUp(t *testing.T) {
	const at = "2023-06-22T10:27:25Z stdout "
	p := compile(t, "json", FormatOptions{}, paths("a")...)
	parser := p.NewParser()
	var rec Record
	for i := range maxPieces {
		if res := parser.Line([]byte(at+"P x"), int64(i), &rec); res.Status != Pending {
			t.Fatalf("piece %d: %v", i, res)
		}
	}
	if res := parser.Line([]byte(at+"P x"), maxPieces, &rec); res != (Result{Status: Bad, Reason: Oversize}) || len(rec.Held) != maxPieces {
		t.Errorf("got %v, %d released", res, len(rec.Held))
	}
	if res := parser.Line([]byte(at+"F x"), 0, &rec); res.Status != Ignored {
		t.Errorf("got %v", res)
	}
	if res := parser.Line([]byte(at+`F {"a":1}`), 0, &rec); res.Status != Complete {
		t.Errorf("got %v", res)
	}
}
