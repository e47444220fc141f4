package monitor

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

const apartModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts}
features:
  - {path: x, kind: number}
  - {path: y, kind: number}
reference: {learn: 6000 records, page_while_learning: true}
windows: [10m, 1h]
`

// apartRun plays hours of one value in twenty that is missing, written as why says for the hour and record.
type apartRun struct {
	h    *harness
	rng  *rand.Rand
	now  time.Time
	kept store
	cuts int // records between restarts; 0 for none
	n    int
}

func (r *apartRun) play(d time.Duration, value func(u float64) string) {
	for end := r.now.Add(d); r.now.Before(end); r.now = r.now.Add(time.Second) {
		for range 2 {
			r.h.line(fmt.Appendf(nil, `{"ts":%q,"y":%d%s}`, r.now.Format(time.RFC3339), r.n%7, value(r.rng.Float64())), r.now)
			r.n++
		}
		r.h.engine.Advance(r.now)
		if r.cuts > 0 && r.n%r.cuts == 0 {
			r.kept.commit(r.h.engine)
			r.h.restart(r.kept)
		}
	}
}

func (r *apartRun) alarms() (out []string) {
	for key, s := range r.h.collect() {
		if s.Metric == catalog.AlarmSeen {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

func newApartRun(t *testing.T, cuts int) *apartRun {
	return &apartRun{h: newHarness(t, mustModel(t, apartModel)), rng: rand.New(rand.NewPCG(4, 4)), now: start, kept: store{}, cuts: cuts}
}

// missing writes one value in twenty as text.
func (r *apartRun) missing(text string) func(u float64) string {
	return func(u float64) string {
		if u < .05 {
			return text
		}
		return fmt.Sprintf(`,"x":%.3f`, r.rng.NormFloat64())
	}
}

// TestAReasonThatTakesThePlaceOfAnotherIsNoticedAndNamed: as many values are missing as ever.
func TestAReasonThatTakesThePlaceOfAnotherIsNoticedAndNamed(t *testing.T) {
	for text, want := range map[string]string{
		`,"x":NaN`: "share NaN", ``: "share absent", `,"x":""`: "share empty", `,"x":-Infinity`: "share infinite", `,"x":"many"`: "share of another type", `,"x":null`: "",
	} {
		r := newApartRun(t, 0)
		r.play(2*time.Hour, r.missing(`,"x":null`))
		if a := r.alarms(); len(a) > 0 {
			t.Fatalf("nulls as ever: %v", a)
		}
		r.play(40*time.Minute, r.missing(text))
		a := r.alarms()
		switch {
		case want == "":
			if len(a) > 0 {
				t.Errorf("nulls as ever: %v", a)
			}
			continue
		case !slices.Contains(a, "plumbline_alarm_seen|m|x|missing|"+want):
			t.Errorf("%s in the place of nulls: %v, want %s", text, a, want)
			continue
		}
		s := r.h.collect()
		reason := map[string]string{"share NaN": "nan", "share absent": "absent", "share empty": "empty", "share infinite": "inf", "share of another type": "type"}[want]
		if v := value(t, s, "plumbline_alarm_bin_expected|m|x|missing|"+reason); v != 0 {
			t.Errorf("%s: expected %v", want, v)
		}
		if v := value(t, s, "plumbline_alarm_bin_seen|m|x|missing|null"); v > .01 {
			t.Errorf("%s: %v are still null", want, v)
		}
		r.play(time.Hour, r.missing(`,"x":null`))
		if a := r.alarms(); len(a) > 0 {
			t.Errorf("%s: nulls again, and still %v", want, a)
		}
	}
}

func TestReasonsAreJudgedTheSameWithRestarts(t *testing.T) {
	var want map[string]catalog.Sample
	for _, cuts := range []int{0, 2 * 77} {
		r := newApartRun(t, 0)
		r.play(2*time.Hour, r.missing(`,"x":null`))
		r.cuts = cuts
		r.play(20*time.Minute, r.missing(`,"x":NaN`))
		got := r.h.collect()
		if value(t, got, "plumbline_alarm|m|x|missing") != 1 {
			t.Error("NaN in the place of nulls raised no alarm")
		}
		if cuts == 0 {
			want = got
		} else {
			compareSamples(t, got, want)
		}
	}
}

func TestAnAcceptedReasonIsNormalFromThenOn(t *testing.T) {
	r := newApartRun(t, 0)
	r.play(2*time.Hour, r.missing(`,"x":null`))
	r.play(time.Hour, r.missing(`,"x":NaN`))
	if len(r.alarms()) == 0 {
		t.Fatal("NaN in the place of nulls raised no alarm")
	}
	if _, err := r.h.engine.Accept(Acceptance{ID: "1", Model: "m", Author: "jo", Reason: "the new client writes NaN"}); err != nil {
		t.Fatal(err)
	}
	r.kept.commit(r.h.engine)
	r.h.restart(r.kept)
	r.play(2*time.Hour, r.missing(`,"x":NaN`))
	if a := r.alarms(); len(a) > 0 {
		t.Errorf("what was accepted: %v", a)
	}
	r.play(time.Hour, r.missing(`,"x":"text"`))
	if a := r.alarms(); len(a) == 0 {
		t.Error("text in the place of the NaN that was accepted raised no alarm")
	}
}

// TestWhatLiesOutOfRangeIsCountedOneByOne, in windows that were packed, slid and restored.
func TestWhatLiesOutOfRangeIsCountedOneByOne(t *testing.T) {
	r := newApartRun(t, 2*313)
	draw := func(float64) string { return fmt.Sprintf(`,"x":%.3f`, r.rng.Float64()) }
	r.play(time.Hour, draw)
	c := r.h.in.cols[0]
	low, high := c.base.grid.Range()
	if low > 0 || low < -.1 || high < 1 || high > 1.1 {
		t.Fatalf("the range is %v to %v, want that of 0 to 1 and a little more", low, high)
	}
	outside := 0
	odd := func(u float64) string {
		x := r.rng.Float64()
		if u < .004 {
			x = []float64{-7, 1.2, 1e9, low, high}[r.rng.IntN(5)]
		}
		if x < low || x > high {
			outside++
		}
		return fmt.Sprintf(`,"x":%v`, x)
	}
	r.play(time.Hour, odd)
	r.h.engine.Flush()
	var got float64
	for _, w := range r.h.in.windows {
		if w.label == "1h" {
			got = float64(w.running[0].rest.beyond)
		}
	}
	// The window slides in steps of two and a half minutes, so that it may reach back into the quiet hour.
	if got != float64(outside) || outside == 0 {
		t.Errorf("%v values out of range, want %d", got, outside)
	}
	if v := value(t, r.h.collect(), "plumbline_out_of_range_share|m|x|feature|1h"); v < .001 || v > .004 {
		t.Errorf("a share of %v", v)
	}
}
