package alert

import "testing"

func TestKeysTellLabelSetsApartThatReadTheSameWhenJoined(t *testing.T) {
	sets := []map[string]string{
		{"a": "bc"}, {"ab": "c"}, {"a": "b", "c": ""}, {"a": "b"}, {"a": ""}, {"": "a"}, {}, nil,
		{"alertname": "x", "node": "n1"}, {"alertname": "x", "node": "n2"},
	}
	seen := map[string]int{}
	for i, labels := range sets {
		key := KeyOf(labels)
		if len(key) != 64 {
			t.Errorf("%v has a key of %d characters", labels, len(key))
		}
		if j, twice := seen[key]; twice && !(len(labels) == 0 && len(sets[j]) == 0) {
			t.Errorf("%v and %v share a key", labels, sets[j])
		}
		seen[key] = i
	}
}

// The key is part of dedup keys at PagerDuty: it must be the same in every version. Expected: sha256sum of the
// length-delimited text, by coreutils.
func TestTheKeyIsTheSameInEveryVersion(t *testing.T) {
	const want = "da47c227aeac24799e3d1c49aca93219bcf741bd0fdb29b81a998a76dd30e719"
	if got := KeyOf(map[string]string{"alertname": "ModelDrift", "model": "m"}); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAnAlertWithoutASeverityIsForDashboardsOnly(t *testing.T) {
	if got := (Alert{}).Severity(); got != SeverityInfo {
		t.Errorf("got %q", got)
	}
	if got := (Alert{Labels: map[string]string{LabelSeverity: SeverityCritical}}).Severity(); got != SeverityCritical {
		t.Errorf("got %q", got)
	}
}

func TestACloneSharesNothing(t *testing.T) {
	a := Alert{Labels: map[string]string{LabelName: "x"}, Annotations: map[string]string{"summary": "s"}}
	b := a.Clone()
	b.Labels[LabelName], b.Annotations["summary"] = "y", "z"
	if a.Name() != "x" || a.Annotations["summary"] != "s" {
		t.Errorf("the original changed: %+v", a)
	}
}
