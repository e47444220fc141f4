package simulator

import (
	"bytes"
	"encoding/json"
	"math"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

type record struct {
	TS         time.Time `json:"ts"`
	Sender     string    `json:"sender"`
	Tenant     string    `json:"tenant"`
	Prediction struct {
		Score float64 `json:"score"`
		Label string  `json:"label"`
	} `json:"prediction"`
	Features map[string]any `json:"features"`
}

func TestRecordsAreJSONOfAboutFiveHundredAndTwentyBytes(t *testing.T) {
	for _, opts := range []Options{{}, {FullPrecision: true}, {ShuffleKeys: true}} {
		s, total := New(opts), 0
		for range 1000 {
			line := s.AppendRecord(nil, noon)
			var r record
			if err := json.Unmarshal(line, &r); err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			if len(r.Features) != 29 || !r.TS.Equal(noon) {
				t.Fatalf("got %d features and time %v", len(r.Features), r.TS)
			}
			total += len(line)
		}
		if mean := total / 1000; !opts.FullPrecision && (mean < 440 || mean > 560) {
			t.Errorf("mean length %d bytes, want about 520", mean)
		}
	}
}

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	a, b, c := New(Options{Seed: 7}), New(Options{Seed: 7}), New(Options{Seed: 8})
	la, lb, lc := a.AppendRecord(nil, noon), b.AppendRecord(nil, noon), c.AppendRecord(nil, noon)
	if !bytes.Equal(la, lb) || bytes.Equal(la, lc) {
		t.Error("same seed must repeat, another must not")
	}
}

func TestSpamShareIsTheShareOfTheLabel(t *testing.T) {
	s := New(Options{SpamShare: .1})
	spam := 0
	const n = 20000
	for range n {
		if bytes.Contains(s.AppendRecord(nil, noon), []byte(`"label":"spam"`)) {
			spam++
		}
	}
	if got := float64(spam) / n; math.Abs(got-.1) > .01 {
		t.Errorf("share of label spam is %.3f, want about 0.1", got)
	}
}

func TestAStalledStoreKeepsItsUpdateTime(t *testing.T) {
	s := New(Options{})
	age := func(at time.Time) float64 {
		var r record
		if err := json.Unmarshal(s.AppendRecord(nil, at), &r); err != nil {
			t.Fatal(err)
		}
		return float64(at.Unix()) - r.Features["domain_rep_ts"].(float64)
	}
	if a := age(noon); a != 0 {
		t.Errorf("fresh store has age %v", a)
	}
	s.StallFeatureStore(true)
	if a := age(noon.Add(90 * time.Second)); a != 90 {
		t.Errorf("stalled for 90 s, age %v", a)
	}
	s.StallFeatureStore(false)
	if a := age(noon.Add(91 * time.Second)); a != 0 {
		t.Errorf("after recovery age %v", a)
	}
}

func TestNightIsQuieterThanDay(t *testing.T) {
	s := New(Options{Rate: 100})
	midnight := noon.Add(-12 * time.Hour)
	day, night := 0, 0
	for i := range 100 {
		day += s.Requests(noon.Add(time.Duration(i)*time.Second), noon.Add(time.Duration(i+1)*time.Second))
		night += s.Requests(midnight.Add(time.Duration(i)*time.Second), midnight.Add(time.Duration(i+1)*time.Second))
	}
	if ratio := float64(day) / float64(night); ratio < 2 || ratio > 2.7 {
		t.Errorf("day is %.2f times night, want 1.4/0.6", ratio)
	}
}

func TestAWideRecordHasAsManyFeaturesAsWanted(t *testing.T) {
	for _, want := range []int{1, NumFeatures, NumFeatures + 1, 50} {
		var record struct {
			Features map[string]any `json:"features"`
		}
		line := NewWide(Options{Seed: 1}, want).AppendRecord(nil, time.Unix(1_700_000_000, 0))
		if err := json.Unmarshal(line, &record); err != nil || len(record.Features) != max(want, NumFeatures) || line[len(line)-1] != '\n' {
			t.Errorf("%d features wanted: %d, %v", want, len(record.Features), err)
		}
	}
}
