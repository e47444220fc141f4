package monitor

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/simulator"
)

// fed is a harness that has learned and counted a while.
func fed(t *testing.T, m *Model) *harness {
	h := newHarness(t, m)
	for i, l := range simulated(12000, simulator.Options{Seed: 4}) {
		h.line(l, time.Time{})
		if i%1000 == 0 {
			h.engine.Advance(h.in.Newest())
		}
	}
	h.engine.Advance(h.in.Newest())
	return h
}

func TestAnEditedModelKeepsWhatStillCountsTheSame(t *testing.T) {
	h := fed(t, mustModel(t, spamModel))
	before := h.collect()
	for name, edit := range map[string]struct {
		old, new string
		keeps    []string
		drops    []string
	}{
		"budget":  {"reference:", "false_pages: 2 per 30d\nreference:", []string{"plumbline_records_total|spam|v12", "plumbline_feature_value|spam|features.ent|feature", "plumbline_window_records|spam|1h"}, nil},
		"windows": {"reference:", "windows: [30m]\nreference:", []string{"plumbline_records_total|spam|v12", "plumbline_feature_value|spam|features.ent|feature"}, nil},
		"ignored": {"  - {path: features.*}", "  - {path: features.*}\n  - {path: features.ent, ignore: true}", []string{"plumbline_records_total|spam|v12", "plumbline_feature_value|spam|features.len|feature"}, []string{"plumbline_feature_value|spam|features.ent|feature"}},
		"learn":   {"learn: 5000 records", "learn: 6000 records", []string{"plumbline_records_total|spam|v12"}, []string{"plumbline_feature_value|spam|features.len|feature"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := store{}
			h.in.touchAll()
			s.commit(h.engine)
			edited := newHarness(t, mustModel(t, strings.Replace(spamModel, edit.old, edit.new, 1)))
			if err := edited.engine.Restore(s.names(), s.get); err != nil {
				t.Fatal(err)
			}
			after := edited.collect()
			for _, key := range edit.keeps {
				b, a := before[key], after[key]
				if a.Value != b.Value || b.Hist != nil && (a.Hist == nil || !slices.Equal(a.Hist.Counts, b.Hist.Counts)) {
					t.Errorf("%s: %v, was %v", key, a, b)
				}
			}
			for _, key := range edit.drops {
				if _, ok := after[key]; ok {
					t.Errorf("%s is still there", key)
				}
			}
			// What is no longer needed goes away with the next commit, and a restart after it works.
			s.commit(edited.engine)
			again := newHarness(t, edited.in.model)
			if err := again.engine.Restore(s.names(), s.get); err != nil {
				t.Fatal(err)
			}
			compareSamples(t, again.collect(), after)
		})
	}
}

func TestReloadLeavesUntouchedModelsAloneAndRefusesBadSetsWhole(t *testing.T) {
	a := mustModel(t, spamModel)
	h := fed(t, a)
	before := h.collect()
	b := mustModel(t, strings.Replace(spamModel, "model: spam", "model: other", 1))
	bad := mustModel(t, strings.Replace(strings.Replace(spamModel, "model: spam", "model: bad", 1), "learn: 5000 records", "file: /nowhere.json", 1))
	if err := h.engine.Reload([]*Model{a, bad}); err == nil {
		t.Error("a model without its reference file was taken")
	}
	if len(h.engine.Instances()) != 1 {
		t.Error("a refused reload changed the models")
	}
	if err := h.engine.Reload([]*Model{mustModel(t, spamModel), b}); err != nil {
		t.Fatal(err)
	}
	if h.engine.Model("spam") != h.in || h.engine.Model("other") == nil {
		t.Error("the instance of an untouched model was replaced")
	}
	s := store{}
	s.commit(h.engine)
	if err := h.engine.Reload([]*Model{b}); err != nil {
		t.Fatal(err)
	}
	s.commit(h.engine)
	for name := range s {
		if strings.Contains(name, "/spam\x00") {
			t.Errorf("%q of a model that is gone is kept", name)
		}
	}
	_ = before
}

func TestReloadOfAnEditedModelGoesOnCounting(t *testing.T) {
	h := fed(t, mustModel(t, spamModel))
	before := h.collect()
	if err := h.engine.Reload([]*Model{mustModel(t, strings.Replace(spamModel, "reference:", "min_records: 5\nreference:", 1))}); err != nil {
		t.Fatal(err)
	}
	var b catalog.Batch
	h.engine.Collect(&b)
	after := index(t, b)
	for _, key := range []string{"plumbline_records_total|spam|v12", "plumbline_window_records|spam|1h"} {
		if value(t, after, key) != before[key].Value {
			t.Errorf("%s: %v, was %v", key, after[key].Value, before[key].Value)
		}
	}
}
