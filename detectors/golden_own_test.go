package detectors

import (
	"encoding/json"
	"os"
	"testing"
)

// testdata/scipy.json holds a few cases for machines without the shared test data; its field "program" names the scipy
// that computed them. docs/detectors.md says how each number is defined, so the file can be made again from that.
func TestStatisticsAgreeWithScipy(t *testing.T) {
	data, err := os.ReadFile("testdata/scipy.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Samples []struct {
			Name               string
			Reference, Current []float64
			ExactKSP           float64 `json:"exact_ks_p"`
			Statistics         map[string]number
		}
		Tables []json.RawMessage
		KSTwo  [][3]float64
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	compare := func(t *testing.T, s SampleStatistics, want map[string]number) {
		t.Helper()
		got := map[string]float64{}
		for name, v := range s.All() {
			got[name] = v
		}
		for name, w := range want {
			v, ok := got[name]
			if !ok {
				t.Errorf("%s is not among the statistics", name)
			}
			rel, abs := 1e-9, 1e-12
			switch name {
			case "js", "hellinger":
				abs = 1e-7
			case "ks_p", "cvm_p", "mannwhitney_p", "welch_t_p", "chi2_p", "g_p":
				rel = 1e-6
			}
			near(t, name, v, float64(w), rel, abs)
		}
	}
	for _, c := range file.Samples {
		t.Run(c.Name, func(t *testing.T) {
			s := CompareNumbers(c.Reference, c.Current)
			compare(t, s, c.Statistics)
			near(t, "exact ks p", KSExactProbability(s.KS, uint64(len(c.Reference)), uint64(len(c.Current))), c.ExactKSP, 1e-6, 0)
		})
	}
	for _, raw := range file.Tables {
		var table struct{ Ref, Cur []uint64 }
		want := map[string]number{}
		if err := json.Unmarshal(raw, &table); err != nil {
			t.Fatal(err)
		}
		var all map[string]json.RawMessage
		_ = json.Unmarshal(raw, &all)
		for name, v := range all {
			var n number
			if name != "ref" && name != "cur" && json.Unmarshal(v, &n) == nil {
				want[name] = n
			}
		}
		compare(t, CompareCategories(table.Ref, table.Cur), want)
	}
	for _, k := range file.KSTwo {
		near(t, "kstwo", kolmogorovTail(k[0], k[1]), k[2], 1e-6, 0)
	}
}

func TestStatisticsWithoutAValueAreLeftOutOfTheJSON(t *testing.T) {
	data, err := json.Marshal(CompareNumbers(nil, nil))
	if err != nil || string(data) != "{}" {
		t.Errorf("statistics of nothing: %s %v", data, err)
	}
	data, err = json.Marshal(CompareCategories([]uint64{5, 5}, []uint64{1, 9}))
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]float64
	if err := json.Unmarshal(data, &back); err != nil || back["z_p"] == 0 || back["chi2"] == 0 {
		t.Errorf("statistics of two categories: %s %v", data, err)
	}
	if _, ok := back["ks"]; ok {
		t.Error("categories have a Kolmogorov-Smirnov distance")
	}
}
