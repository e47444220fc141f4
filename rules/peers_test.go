package rules

import (
	"context"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

func TestNodesAreComparedOnlyWhereThereIsMoreThanOne(t *testing.T) {
	e, err := New(Options{Packs: true})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	at := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	recorded := func() bool { return e.st.byName["plumbline:class_records:increase1h"] != nil }
	run := func(append func(i int)) {
		for i := range 5 {
			append(i)
			if _, err := e.Eval(context.Background(), at); err != nil {
				t.Fatal(err)
			}
			at = at.Add(time.Minute)
		}
	}
	run(func(i int) {
		b := catalog.Batch{Time: at}
		b.Add(catalog.FeatureCategory, float64(100*i), "m", "label", "prediction", "spam")
		if err := e.Append(b); err != nil {
			t.Fatal(err)
		}
	})
	if recorded() || e.st.byName[catalog.FeatureCategory.Name] != nil {
		t.Error("an agent beside its models compared nodes, or kept what for")
	}
	for _, node := range []string{"a", "b"} {
		run(func(i int) {
			if err := e.AppendSeries(at, "plumbline_records_total", map[string]string{"model": "m", "instance": node}, float64(100*i)); err != nil {
				t.Fatal(err)
			}
			lbls := map[string]string{"model": "m", "feature": "label", "role": "prediction", "category": "spam", "instance": node}
			if err := e.AppendSeries(at, "plumbline_feature_category_total", lbls, float64(100*i)); err != nil {
				t.Fatal(err)
			}
		})
	}
	if !recorded() {
		t.Error("two nodes were not compared")
	}
}
