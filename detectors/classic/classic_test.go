package classic

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// streams are the ones of river's tests, see the field "program" of the file.
func streams(t *testing.T) map[string][]float64 {
	t.Helper()
	data, err := os.ReadFile("testdata/streams.json")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]string
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	out := map[string][]float64{}
	for name, digits := range file {
		if name == "program" {
			continue
		}
		for _, c := range digits {
			out[name] = append(out[name], float64(c-'0'))
		}
	}
	return out
}

func alarms(d Detector, stream []float64) []int {
	out := []int{}
	for i, x := range stream {
		if d.Update(x) == Drift {
			out = append(out, i)
		}
	}
	return out
}

func must[T any](d T, err error) T {
	if err != nil {
		panic(err)
	}
	return d
}

// The expected indices are those of river's tests (versions: docs/detectors.md); where river fixed a defect, the newer.
func TestAlarmsAreWhereRiverHasThem(t *testing.T) {
	in := streams(t)
	for _, c := range []struct {
		name, stream string
		d            Detector
		want         []int
	}{
		{"ADWIN", "s1", must(NewADWIN(ADWINOptions{})), []int{1023}},
		{"DDM", "s2", must(NewDDM(DDMOptions{})), []int{1049}},
		{"EDDM", "s2", must(NewEDDM(EDDMOptions{Alpha: 0.9, Beta: 0.8})), []int{1059}},
		{"HDDM_A", "s2", must(NewHDDMA(HDDMOptions{})), []int{1047}},
		{"HDDM_A both sides", "s3", must(NewHDDMA(HDDMOptions{TwoSided: true})), []int{531, 1015, 1545}},
		{"HDDM_W", "s2", must(NewHDDMW(HDDMOptions{})), []int{1018}},
		{"HDDM_W both sides", "s3", must(NewHDDMW(HDDMOptions{TwoSided: true})), []int{507, 1032, 1508}},
		{"Page-Hinkley up", "s3", must(NewPageHinkley(PageHinkleyOptions{Direction: Up})), []int{588, 1681}},
		{"Page-Hinkley down", "s3", must(NewPageHinkley(PageHinkleyOptions{Direction: Down})), []int{1172}},
	} {
		if got := alarms(c.d, in[c.stream]); !slices.Equal(got, c.want) {
			t.Errorf("%s on %s alarms at %v, want %v", c.name, c.stream, got, c.want)
		}
	}
}

type peerCase struct {
	ID        string          `json:"id"`
	Statistic string          `json:"statistic"`
	Current   json.RawMessage `json:"current"`
	Expected  []float64       `json:"expected_precise"`
	Params    struct {
		Delta, Lambda, Alpha, Beta float64
		Threshold                  float64
		Mode                       string
		TwoSided                   bool    `json:"two_sided"`
		DriftConfidence            float64 `json:"drift_confidence"`
		WarningConfidence          float64 `json:"warning_confidence"`
		Cuts                       string
		Clock                      int
	} `json:"params"`
}

// TestPeersStreams runs the stream cases of golden_peers.json that are there for detectors we have; frouros' own variants
// and river's old versions are listed in docs/detectors.md.
func TestPeersStreams(t *testing.T) {
	data, err := os.ReadFile(testkit.SharedFile(t, "data", "golden_peers.json"))
	if err != nil {
		t.Fatal(err)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		t.Fatal(err)
	}
	currents := map[string]json.RawMessage{}
	var cases []peerCase
	for _, r := range raw {
		var c peerCase
		var head struct {
			ID      string          `json:"id"`
			Current json.RawMessage `json:"current"`
		}
		_ = json.Unmarshal(r, &head)
		currents[head.ID] = head.Current
		if json.Unmarshal(r, &c) == nil {
			cases = append(cases, c)
		}
	}
	own := streams(t)
	resolve := func(c peerCase) []float64 {
		var same struct {
			ID string `json:"$same_as"`
		}
		var constant struct {
			Value  *float64 `json:"$constant"`
			Length int
		}
		body := c.Current
		if json.Unmarshal(body, &same) == nil && same.ID != "" {
			if s := own[map[string]string{"river_adwin_s1": "s1", "river_ddm_s2": "s2"}[same.ID]]; s != nil {
				return s
			}
			body = currents[same.ID]
		}
		if json.Unmarshal(body, &constant) == nil && constant.Value != nil {
			return slices.Repeat([]float64{*constant.Value}, constant.Length)
		}
		var out []float64
		if err := json.Unmarshal(body, &out); err != nil {
			t.Fatalf("%s: %v", c.ID, err)
		}
		return out
	}
	ran := 0
	for _, c := range cases {
		p := c.Params
		var d Detector
		switch c.Statistic {
		case "stream_adwin":
			if p.Cuts != "every bucket boundary" {
				continue // river's old off-by-one
			}
			d = must(NewADWIN(ADWINOptions{Delta: p.Delta}))
		case "adwin_window_stats":
			a := must(NewADWIN(ADWINOptions{Clock: p.Clock}))
			alarms(a, resolve(c))
			w, total, dev := a.Window()
			for i, got := range []float64{w, total, dev} {
				if math.Abs(got-c.Expected[i]) > 1e-9*c.Expected[i] {
					t.Errorf("%s: window %v %v %v, want %v", c.ID, w, total, dev, c.Expected)
				}
			}
			ran++
			continue
		case "stream_ddm":
			d = must(NewDDM(DDMOptions{}))
		case "stream_eddm":
			d = must(NewEDDM(EDDMOptions{Alpha: p.Alpha, Beta: p.Beta}))
		case "stream_hddm_a":
			d = must(NewHDDMA(HDDMOptions{DriftConfidence: p.DriftConfidence, WarningConfidence: p.WarningConfidence, TwoSided: p.TwoSided}))
		case "stream_hddm_w":
			d = must(NewHDDMW(HDDMOptions{DriftConfidence: p.DriftConfidence, WarningConfidence: p.WarningConfidence, Lambda: p.Lambda, TwoSided: p.TwoSided}))
		case "stream_page_hinkley":
			d = must(NewPageHinkley(PageHinkleyOptions{Delta: p.Delta, Threshold: p.Threshold, Alpha: p.Alpha,
				Direction: map[string]Direction{"up": Up, "down": Down}[p.Mode]}))
		case "stream_ddm_frouros": // the peer reports its first warning and its first alarm
			checkFirst(t, c, must(NewDDM(DDMOptions{})), resolve(c))
			ran++
			continue
		default:
			continue
		}
		ran++
		want := []int{}
		for _, v := range c.Expected {
			want = append(want, int(v))
		}
		if got := alarms(d, resolve(c)); !slices.Equal(got, want) {
			t.Errorf("%s alarms at %v, want %v", c.ID, got, want)
		}
	}
	if ran < 10 {
		t.Errorf("only %d cases ran", ran)
	}
}

func checkFirst(t *testing.T, c peerCase, d Detector, stream []float64) {
	t.Helper()
	first := map[Signal]int{}
	for i, x := range stream {
		s := d.Update(x)
		if _, seen := first[s]; !seen {
			first[s] = i
		}
	}
	if float64(first[Warning]) != c.Expected[0] || float64(first[Drift]) != c.Expected[1] {
		t.Errorf("%s: first warning %d, first alarm %d, want %v", c.ID, first[Warning], first[Drift], c.Expected)
	}
}

// all makes one of each, two-sided where that is possible.
func all() map[string]Detector {
	return map[string]Detector{
		"ADWIN":        must(NewADWIN(ADWINOptions{})),
		"Page-Hinkley": must(NewPageHinkley(PageHinkleyOptions{})),
		"DDM":          must(NewDDM(DDMOptions{})),
		"EDDM":         must(NewEDDM(EDDMOptions{})),
		"HDDM_A":       must(NewHDDMA(HDDMOptions{TwoSided: true})),
		"HDDM_W":       must(NewHDDMW(HDDMOptions{TwoSided: true})),
		"KSWIN":        must(NewKSWIN(KSWINOptions{Seed: 1})),
		"CUSUM":        must(NewCUSUM(CUSUMOptions{})),
		"EWMA":         must(NewEWMA(EWMAOptions{})),
	}
}

func TestEachDetectorSeesALargeRise(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var stream []float64
	for i := range 4000 {
		p := 0.05
		if i >= 2000 {
			p = 0.6
		}
		x := 0.0
		if r.Float64() < p {
			x = 1
		}
		stream = append(stream, x)
	}
	for name, d := range all() {
		seen := slices.ContainsFunc(alarms(d, stream), func(i int) bool { return i >= 2000 && i < 2400 })
		if !seen {
			t.Errorf("%s does not see a rise from 5 %% to 60 %%", name)
		}
	}
}

func TestAConstantAndWhatIsNoNumberRaiseNothing(t *testing.T) {
	for name, d := range all() {
		for range 5000 {
			if d.Update(0) != None || d.Update(math.NaN()) != None {
				t.Errorf("%s raised something", name)
				break
			}
		}
	}
}

func TestResetIsANewDetector(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var stream []float64
	for range 3000 {
		stream = append(stream, float64(r.IntN(2)))
	}
	fresh, used := all(), all()
	for name, d := range used {
		alarms(d, stream[:1777])
		d.Reset()
		if got, want := alarms(d, stream), alarms(fresh[name], stream); !slices.Equal(got, want) {
			t.Errorf("%s alarms at %v after a reset, a new one at %v", name, got, want)
		}
	}
}

func TestUpdatesDoNotAllocate(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for name, d := range all() {
		for range 20000 {
			d.Update(float64(r.IntN(2)))
		}
		if n := testing.AllocsPerRun(1000, func() { d.Update(float64(r.IntN(2))) }); n > 0.02 {
			t.Errorf("%s allocates %v times per update", name, n)
		}
	}
}

func TestADWINsWindowHoldsWhatItSaysItHolds(t *testing.T) {
	a := must(NewADWIN(ADWINOptions{Clock: 1 << 30}))
	r := rand.New(rand.NewPCG(1, 2))
	n, sum, square := 0.0, 0.0, 0.0
	for range 5000 {
		x := r.NormFloat64()
		a.Update(x)
		n, sum, square = n+1, sum+x, square+x*x
	}
	w, total, dev := a.Window()
	if w != n || math.Abs(total-sum) > 1e-9 || math.Abs(dev-(square-sum*sum/n)) > 1e-6 {
		t.Errorf("window of %v with sum %v and deviations %v, want %v %v %v", w, total, dev, n, sum, square-sum*sum/n)
	}
	small := must(NewADWIN(ADWINOptions{MaxWindowLog: 4, Clock: 1 << 30}))
	for range 5000 {
		small.Update(r.NormFloat64())
	}
	if w, _, dev := small.Window(); w > 6*15 || dev < 0 {
		t.Errorf("a window of four rows holds %v observations, deviations %v", w, dev)
	}
}

// Known answer: the exact p-value of D = 0.32 at 100 against 100 is 6.3e-5, of 0.31 it is 1.2e-4 (river's cases).
func TestKSWINAlarmsFromTheExactCriticalDistance(t *testing.T) {
	k := must(NewKSWIN(KSWINOptions{Alpha: 1e-4, WindowSize: 200, StatSize: 100}))
	if k.critical != 0.32 {
		t.Errorf("critical distance %v, want 0.32", k.critical)
	}
}

func TestImpossibleOptionsAreRefused(t *testing.T) {
	for name, err := range map[string]error{
		"adwin":        second(NewADWIN(ADWINOptions{Delta: 2})),
		"page-hinkley": second(NewPageHinkley(PageHinkleyOptions{Alpha: 3})),
		"ddm":          second(NewDDM(DDMOptions{WarningLevel: 4, DriftLevel: 3})),
		"eddm":         second(NewEDDM(EDDMOptions{Alpha: 0.5, Beta: 0.9})),
		"hddm":         second(NewHDDMA(HDDMOptions{DriftConfidence: 2})),
		"kswin":        second(NewKSWIN(KSWINOptions{WindowSize: 10, StatSize: 30})),
		"cusum":        second(NewCUSUM(CUSUMOptions{Slack: -1})),
		"ewma":         second(NewEWMA(EWMAOptions{Lambda: 2})),
	} {
		if err == nil {
			t.Errorf("%s accepted impossible options", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }
