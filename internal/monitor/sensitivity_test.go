package monitor

import "testing"

func TestAReferenceSaysWhatItsSizeAndTrafficCanSee(t *testing.T) {
	m := writeReference(t, 20_000)
	e, err := NewEngine(EngineOptions{Models: []*Model{m}})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]Sensitivity{}
	for _, s := range e.Sensitivities() {
		found[s.Feature+"/"+s.Cause] = s
		if s.PerHour <= 0 || s.Shift != nil && !(*s.Shift > 0 && *s.Shift < 1) {
			t.Errorf("%+v", s)
		}
	}
	if s := found["label/drift"]; s.What != "share of spam" || s.Shift == nil {
		t.Errorf("%+v", found)
	}
	// The same reference without a model file: the defaults.
	ref, err := ReadReference(m.referencePath())
	if err != nil {
		t.Fatal(err)
	}
	e, err = ref.Watcher(m.referencePath())
	if err != nil {
		t.Fatal(err)
	}
	again := e.Sensitivities()
	if len(again) < 3 {
		t.Errorf("%+v", again)
	}
	for _, s := range again {
		if s.Feature == "label" && s.Cause == "drift" && s.Shift == nil {
			t.Errorf("%+v", s)
		}
	}
}
