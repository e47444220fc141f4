package sequential

import (
	"encoding/json"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// goldenCase is one case, of whatever kind, of golden_edetector.json, made with numpy 1.24 and scipy 1.10; the stcp cases are the test
// values of the R package stcpR6.
type goldenCase struct {
	ID              string     `json:"id"`
	RawN            any        `json:"N"`
	RawK            any        `json:"k"`
	PLo             float64    `json:"p_lo"`
	PHi             float64    `json:"p_hi"`
	Alternatives    []float64  `json:"alternatives"`
	Multipliers     []float64  `json:"odds_multipliers"`
	Expected        []float64  `json:"expected_logM"`
	ExpectedCapped  []float64  `json:"expected_logM_capped"`
	Cap             float64    `json:"cap"`
	FirstAlarmLogA  float64    `json:"first_alarm_logA"`
	FirstAlarmIndex int        `json:"first_alarm_index"`
	X               []float64  `json:"x"`
	Bucket          int        `json:"bucket"`
	NullMean        float64    `json:"null_mean"`
	LambdaUp        []float64  `json:"lambda_up"`
	LambdaDown      []float64  `json:"lambda_down"`
	Reference       []uint64   `json:"reference_counts"`
	AlphaPerSet     float64    `json:"alpha_per_set"`
	CPLo            []float64  `json:"clopper_pearson_lo"`
	CPHi            []float64  `json:"clopper_pearson_hi"`
	Tolerance       float64    `json:"tolerance"`
	Counts          [][]uint64 `json:"counts"`
	SmallN          uint64     `json:"n"`
	Alpha           float64    `json:"alpha"`
	CP              []float64  `json:"expected"`
	LogM            []float64  `json:"logM"`
	A               float64    `json:"A"`
	ExpectedK       int        `json:"expected_k"`
	Q               []float64  `json:"q"`
	Lo              []float64  `json:"lo"`
	Hi              []float64  `json:"hi"`
	ExpectedP       []float64  `json:"expected_p"`
	ExpectedKL      float64    `json:"expected_kl"`
	Lambda          float64    `json:"lambda"`
	Mu              float64    `json:"mu"`
	Weights         any        `json:"weights"`
	Lambdas         []float64  `json:"lambdas"`
	ExpectedLog     []float64  `json:"expected_log_values"`
	StopAt          int        `json:"expected_stop_at_log20"`
}

func golden(t *testing.T, prefix string) []goldenCase {
	t.Helper()
	data, err := os.ReadFile(testkit.SharedFile(t, "data", "golden_edetector.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all, out []goldenCase
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if strings.HasPrefix(c.ID, prefix) {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		t.Fatalf("no golden case starts with %q", prefix)
	}
	return out
}

func numbers(v any) []uint64 {
	var out []uint64
	for _, x := range v.([]any) {
		out = append(out, uint64(x.(float64)))
	}
	return out
}

func close9(got, want float64) bool { return math.Abs(got-want) <= 1e-9*max(1, math.Abs(want)) }

func checkPath(t *testing.T, name string, want []float64, step func(i int) float64) {
	t.Helper()
	for i, w := range want {
		if got := step(i); !close9(got, w) {
			t.Fatalf("%s: bucket %d: log evidence %.15g, want %.15g", name, i, got, w)
		}
	}
}

func TestRateFollowsTheGoldenPaths(t *testing.T) {
	mix := golden(t, "esr_bernoulli_mixture")[0]
	n, k := numbers(mix.RawN), numbers(mix.RawK)
	r := NewRate(RateOptions{Lo: mix.PLo, Hi: mix.PHi, Alternatives: mix.Alternatives})
	first := -1
	checkPath(t, mix.ID, mix.Expected, func(i int) float64 {
		r.Update(k[i], n[i])
		if first < 0 && r.LogEvidence() >= mix.FirstAlarmLogA {
			first = i
		}
		return r.LogEvidence()
	})
	if first != mix.FirstAlarmIndex {
		t.Errorf("first alarm in bucket %d, want %d", first, mix.FirstAlarmIndex)
	}

	comp := golden(t, "esr_bernoulli_composite_null")[0]
	n, k = numbers(comp.RawN), numbers(comp.RawK)
	for _, capped := range []bool{false, true} {
		o, want := RateOptions{Lo: comp.PLo, Hi: comp.PHi}, comp.Expected
		if capped {
			o.Cap, want = comp.Cap, comp.ExpectedCapped
		}
		// The case's multipliers are the defaults; Varying with the same interval in every bucket is the same path.
		r, v := NewRate(o), RateOptions{Lo: o.Lo, Hi: o.Hi, Cap: o.Cap, Multipliers: comp.Multipliers, Varying: true}
		w := NewRate(v)
		checkPath(t, comp.ID, want, func(i int) float64 { r.Update(k[i], n[i]); return r.LogEvidence() })
		checkPath(t, comp.ID+" varying", want, func(i int) float64 {
			w.UpdateWithin(k[i], n[i], o.Lo, o.Hi)
			return w.LogEvidence()
		})
	}
}

func TestMeanFollowsTheGoldenPaths(t *testing.T) {
	for _, c := range golden(t, "esr_betting_mean") {
		per := max(1, c.Bucket)
		for _, name := range []string{"given bets", "default bets"} {
			o := MeanOptions{Lo: c.NullMean, Hi: c.NullMean}
			if name == "given bets" {
				o.Up, o.Down = c.LambdaUp, c.LambdaDown
			}
			m := NewMean(o)
			checkPath(t, c.ID+" "+name, c.Expected, func(i int) float64 {
				var s Sums
				for _, x := range c.X[i*per : (i+1)*per] {
					m.Increments(x, &s)
				}
				m.Update(&s)
				return m.LogEvidence()
			})
		}
	}
}

func TestSetsFollowTheGoldenPath(t *testing.T) {
	c := golden(t, "esr_set_family")[0]
	s, err := NewSets(c.Reference, SetsOptions{
		Alpha: c.AlphaPerSet * float64(len(c.CPLo)), Tol: c.Tolerance, Ordered: true, Multipliers: c.Multipliers,
	})
	if err != nil {
		t.Fatal(err)
	}
	// 17 of the 19 sets are computed: the first prefix is the first bin, the last one all but the last bin.
	if s.Len() != len(c.CPLo)-2 || s.Components() != 190 {
		t.Fatalf("%d sets, %d components, want %d and 190", s.Len(), s.Components(), len(c.CPLo)-2)
	}
	for i := range s.Len() {
		set, lo, hi := s.Interval(i)
		at := set.Bin
		if set.Kind == Single {
			at += len(c.Reference) - 1
		}
		if !close9(lo, c.CPLo[at]-c.Tolerance) || !close9(hi, c.CPHi[at]+c.Tolerance) {
			t.Errorf("%+v: interval %v..%v, want %v..%v", set, lo, hi, c.CPLo[at]-c.Tolerance, c.CPHi[at]+c.Tolerance)
		}
	}
	checkPath(t, c.ID, c.Expected, func(i int) float64 { s.Update(c.Counts[i]); return s.LogEvidence() })
}

func TestClopperPearsonAgreesWithScipy(t *testing.T) {
	for _, c := range golden(t, "clopper_pearson") {
		lo, hi := ClopperPearson(uint64(c.RawK.(float64)), c.SmallN, c.Alpha)
		if math.Abs(lo-c.CP[0]) > 1e-9*c.CP[0] || math.Abs(hi-c.CP[1]) > 1e-9*c.CP[1] {
			t.Errorf("%s: %.16g..%.16g, want %.16g..%.16g", c.ID, lo, hi, c.CP[0], c.CP[1])
		}
	}
}

func TestEBHFollowsTheGoldenCase(t *testing.T) {
	c := golden(t, "ebh_on_edetectors")[0]
	found := EBH(c.LogM, math.Log(c.A))
	if len(found) != c.ExpectedK {
		t.Fatalf("%d streams named, want %d", len(found), c.ExpectedK)
	}
	for rank, i := range found {
		if i != rank { // the case lists them by evidence already
			t.Errorf("rank %d is stream %d", rank, i)
		}
	}
}
