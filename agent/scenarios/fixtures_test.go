package scenarios

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/rules"
)

const shippedModel = "../../rules/packs/tests/scenarios/models/spam.yaml"

func long(d time.Duration) model.Duration { return model.Duration(d) }

// last plays a scenario and returns the last value of a metric without regard to labels, summed.
func last(t *testing.T, s rules.Scenario, m *catalog.Metric) (sum float64, batches int) {
	t.Helper()
	var before time.Time
	err := Fixtures{}.Play(context.Background(), shippedModel, s, start, func(b catalog.Batch) error {
		if !b.Time.After(before) || !b.Time.After(start) {
			t.Errorf("published %s after %s", b.Time, before)
		}
		before, sum = b.Time, 0
		batches++
		for _, x := range b.Samples {
			if x.Metric == m {
				sum += x.Value
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sum, batches
}

func TestAPlayPublishesInTimeAndTheSameSeedGivesTheSameNumbers(t *testing.T) {
	s := rules.Scenario{Lasts: long(10 * time.Minute), Seed: 3, Every: time.Minute}
	a, n := last(t, s, catalog.Records)
	b, _ := last(t, s, catalog.Records)
	if n != 10 || a != b || a < 2800 || a > 3200 {
		t.Errorf("%d batches, %v and %v records; want 10, and about 3000 twice", n, a, b)
	}
	s.Seed = 4
	if c, _ := last(t, s, catalog.Records); c == a {
		t.Error("another seed gave the same number of records")
	}
}

func TestDelayedRecordsArriveLateAndAllOfThem(t *testing.T) {
	s := rules.Scenario{Lasts: long(30 * time.Minute), Faults: []rules.Fault{{Kind: "delayed", Factor: .5, Delay: long(5 * time.Minute), To: long(10 * time.Minute)}}}
	late, _ := last(t, s, catalog.RecordsLate)
	if late < 1300 || late > 1700 {
		t.Errorf("%v records came late, want about half of ten minutes, 1500", late)
	}
	s.Faults = nil
	if late, _ = last(t, s, catalog.RecordsLate); late != 0 {
		t.Errorf("%v records came late without a fault", late)
	}
}

func TestTrafficStopsAndGrowsAndComesBack(t *testing.T) {
	count := func(faults ...rules.Fault) float64 {
		n, _ := last(t, rules.Scenario{Lasts: long(20 * time.Minute), Faults: faults}, catalog.Records)
		return n / 300
	}
	ten := long(10 * time.Minute)
	for what, c := range map[string]struct{ got, want float64 }{
		"silence":          {count(rules.Fault{Kind: "silence", From: ten}), 10},
		"a tenth":          {count(rules.Fault{Kind: "volume", Factor: .1, From: ten}), 11},
		"threefold, ended": {count(rules.Fault{Kind: "volume", Factor: 3, To: ten}), 40},
	} {
		if c.got < c.want-1 || c.got > c.want+1 {
			t.Errorf("%s: records for %.1f usual minutes, want %v", what, c.got, c.want)
		}
	}
}

func TestWhatCannotBePlayedIsSaid(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.yaml")
	if err := os.WriteFile(other, []byte("model: m\nlogs: {include: /l, format: csv}\nfields: {timestamp: time}\npredictions: {score: p}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	hour := long(time.Hour)
	for want, c := range map[string]struct {
		file string
		s    rules.Scenario
	}{
		"cannot read the simulated classifier": {other, rules.Scenario{Lasts: hour}},
		"no feature \"age\"":                   {shippedModel, rules.Scenario{Lasts: hour, Faults: []rules.Fault{{Kind: "frozen", Feature: "age"}}}},
		"name of a feature":                    {shippedModel, rules.Scenario{Lasts: hour, Faults: []rules.Fault{{Kind: "frozen"}}}},
		"is a number":                          {shippedModel, rules.Scenario{Lasts: hour, Faults: []rules.Fault{{Kind: "new_category", Feature: "ent"}}}},
		"only spam":                            {shippedModel, rules.Scenario{Lasts: hour, Faults: []rules.Fault{{Kind: "class_gone", Class: "ham"}}}},
		"how late":                             {shippedModel, rules.Scenario{Lasts: hour, Faults: []rules.Fault{{Kind: "delayed"}}}},
		"domain_rep":                           {shippedModel, rules.Scenario{Lasts: hour, Faults: []rules.Fault{{Kind: "stale", Feature: "ent"}}}},
		"up to 1":                              {shippedModel, rules.Scenario{Lasts: hour, Faults: []rules.Fault{{Kind: "null_burst", Feature: "ent", Factor: 30}}}},
		"kind silence":                         {shippedModel, rules.Scenario{Lasts: hour, Faults: []rules.Fault{{Kind: "volume"}}}},
		"too many":                             {shippedModel, rules.Scenario{Lasts: hour, Traffic: rules.Traffic{PerMinute: 60_000, Learn: long(6 * time.Hour)}}},
	} {
		err := Fixtures{}.Play(context.Background(), c.file, c.s, start, func(catalog.Batch) error { return nil })
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}

func TestAPlayEndsWithItsContextAndWithItsPublisher(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s := rules.Scenario{Lasts: long(time.Hour)}
	if err := (Fixtures{}).Play(ctx, shippedModel, s, start, func(catalog.Batch) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("a done context gave %v", err)
	}
	enough, n := errors.New("enough"), 0
	if err := (Fixtures{}).Play(context.Background(), shippedModel, s, start, func(catalog.Batch) error { n++; return enough }); !errors.Is(err, enough) || n != 1 {
		t.Errorf("published %d times and ended with %v", n, err)
	}
}
