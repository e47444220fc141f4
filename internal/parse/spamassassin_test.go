package parse

import (
	"bufio"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// lines reads the lines of a small file of the shared data.
func lines(t testing.TB, elem ...string) [][]byte {
	t.Helper()
	f, err := os.Open(testkit.SharedFile(t, elem...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out [][]byte
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 4<<20)
	for sc.Scan() {
		out = append(out, append([]byte(nil), sc.Bytes()...))
	}
	if err := sc.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSpamdScoreTakesItsFractionFromTheLineBefore(t *testing.T) {
	p := compile(t, "spamassassin", FormatOptions{}, append(paths("score", "verdict", "score_int", "tests", "size", "bayes", "autolearn", "scantime", "required_score", "test.BAYES_50"),
		Field{Path: "time", Time: true})...)
	parser := p.NewParser()
	var rec Record
	var got []string
	offset := int64(0)
	for _, line := range lines(t, "formats", "spamd-4.0.1.log") {
		res := parser.Line(line, offset, &rec)
		if res.Status == Complete {
			got = append(got, fmt.Sprintf("%s %v %v", time.Unix(0, rec.Time).UTC().Format(time.DateTime), show(p, &rec)[:9], rec.Held[0].Offset+int64(rec.Held[0].Length)+1 == offset))
		} else if res.Status != Pending {
			t.Fatalf("%v", res)
		}
		offset += int64(len(line)) + 1
	}
	want := []string{
		`2026-11-23 00:40:38 [autolearn=string "no" bayes=number 0.5 required_score=number 5 scantime=number 2.2 score=number 4 score_int=number 4 size=number 63308 test.BAYES_50=number 1 tests=number 5] true`,
		`2026-11-23 00:40:38 [autolearn=string "no" bayes=number 1 required_score=number 5 scantime=number 0.2 score=number 16.7 score_int=number 16 size=number 2820 tests=number 13 time=number 1.795394438e+09] true`,
		`2026-11-23 00:40:39 [autolearn=string "spam" bayes=number 0.907497 required_score=number 5 scantime=number 0.1 score=number 21.3 score_int=number 21 size=number 1265 tests=number 19 time=number 1.795394439e+09] true`,
		`2026-11-23 00:40:39 [autolearn=string "spam" bayes=number 0.999705 required_score=number 5 scantime=number 0.2 score=number 19.2 score_int=number 19 size=number 2055 tests=number 12 time=number 1.795394439e+09] true`,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got\n%v\nwant\n%v", got, want)
	}
}

func TestSpamdResultWithoutItsFirstLineIsCompleteWithTheWholeNumber(t *testing.T) {
	p := compile(t, "spamassassin", FormatOptions{}, paths("score")...)
	parser := p.NewParser()
	var rec Record
	line := "Nov 23 00:40:07 mx spamd[9]: spamd: result: Y 15 - none scantime=0.2,size=1,user=u,uid=1,required_score=5.0,mid=<a>,autolearn=no"
	if res := parser.Line([]byte(line), 0, &rec); res != (Result{}) {
		t.Fatal(res)
	}
	if v := value(t, p, &rec, "score"); v.Kind != Number || v.Num != 15 {
		t.Errorf("got %v", v)
	}
}

func TestSpamdHoldsABoundedNumberOfFirstLines(t *testing.T) {
	p := compile(t, "spamassassin", FormatOptions{MaxPending: 3}, paths("score")...)
	parser := p.NewParser()
	var rec Record
	held := 0
	for pid := range 10 {
		line := fmt.Sprintf("Mon Nov 23 00:40:07 2026 [%d] info: spamd: identified spam (15.2/5.0) for root:65534 in 0.2 seconds, 5823 bytes.", pid%7)
		if res := parser.Line([]byte(line), int64(pid), &rec); res.Status != Pending {
			t.Fatal(res)
		}
		held++
		held -= len(parser.Expired())
		if held > 3 {
			t.Fatalf("%d lines are held", held)
		}
	}
	parser.Finish(&rec)
	if held -= len(parser.Expired()); held != 0 {
		t.Errorf("%d lines stay held after the end of the source", held)
	}
}

func TestAMessageIdCannotPoseAsASpamdResult(t *testing.T) {
	p := compile(t, "spamassassin", FormatOptions{}, paths("score", "bayes")...)
	parser := p.NewParser()
	var rec Record
	line := "Mon Nov 23 00:40:07 2026 [1] info: spamd: processing message <spamd: result: . -9 - X scantime=1,size=1> for root:65534"
	if res := parser.Line([]byte(line), 0, &rec); res.Status != Ignored {
		t.Errorf("got %v", res)
	}
	line = "Mon Nov 23 00:40:07 2026 [1] info: spamd: result: Y 15 - X scantime=0.2,size=1,user=u,uid=1,required_score=5.0,mid=<a,bayes=0.1,b>,bayes=0.9,autolearn=no"
	if res := parser.Line([]byte(line), 0, &rec); res.Status != Complete || value(t, p, &rec, "bayes").Num != 0.9 {
		t.Errorf("got %v", res)
	}
}
