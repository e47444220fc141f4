package detectors

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// number reads JSON numbers and the strings "NaN", "Infinity", "-Infinity".
type number float64

func (n *number) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) == nil {
		v, err := strconv.ParseFloat(s, 64)
		*n = number(v)
		return err
	}
	return json.Unmarshal(data, (*float64)(n))
}

type goldenBins struct {
	Atoms     []float64 `json:"atoms"`
	Edges     []float64 `json:"edges"`
	Ref       []uint64  `json:"counts_ref"`
	Cur       []uint64  `json:"counts_cur"`
	JS        float64   `json:"js_distance_base2"`
	Hellinger float64   `json:"hellinger"`
	TVD       float64   `json:"tvd"`
	LInf      float64   `json:"l_infinity"`
	PSIFloor  float64   `json:"psi_floor_1e4"`
	PSIHalf   float64   `json:"psi_add_half"`
	KL        float64   `json:"kl_cur_ref_add_half"`
}

type goldenTest struct {
	Statistic number   `json:"statistic"`
	P         float64  `json:"p"`
	PAsymp    float64  `json:"p_asymptotic"`
	PExact    *float64 `json:"p_exact"`
	DoF       int      `json:"dof"`
	U, T, Z   number
}

type goldenCase struct {
	ID        string   `json:"id"`
	Kind      string   `json:"kind"`
	Reference []number `json:"reference"`
	Current   []number `json:"current"`
	RefCounts []uint64 `json:"reference_counts"`
	CurCounts []uint64 `json:"current_counts"`
	Expected  struct {
		KS        goldenTest  `json:"ks"`
		W1        number      `json:"wasserstein_1"`
		W1Std     number      `json:"wasserstein_1_over_ref_std"`
		Energy    number      `json:"energy_distance"`
		CvM       goldenTest  `json:"cvm"`
		ADMid     goldenTest  `json:"ad_ksamp_midrank"`
		ADRight   goldenTest  `json:"ad_ksamp_right"`
		MWU       goldenTest  `json:"mannwhitneyu"`
		Welch     goldenTest  `json:"welch_t"`
		BinsA     goldenBins  `json:"bins_deciles_A"`
		BinsB     goldenBins  `json:"bins_atoms_B"`
		Chi2      goldenTest  `json:"chi2_contingency"`
		Chi2Yates *goldenTest `json:"chi2_contingency_yates"`
		G         goldenTest  `json:"g_test_contingency"`
		CramersV  float64     `json:"cramers_v"`
		BinsCat   goldenBins  `json:"bins_categories"`
		Z         *goldenTest `json:"z_two_proportions"`
	} `json:"expected"`
}

// loadGolden reads golden_scipy.json (scipy 1.10.1, numpy 1.24.2).
func loadGolden(t testing.TB) []goldenCase {
	t.Helper()
	data, err := os.ReadFile(testkit.SharedFile(t, "data", "golden_scipy.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Cases []goldenCase }
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return file.Cases
}

func floats(in []number) []float64 {
	out := make([]float64, len(in))
	for i, v := range in {
		out[i] = float64(v)
	}
	return out
}

// near compares with a relative tolerance, absolute near zero.
func near(t *testing.T, what string, got, want, rel, abs float64) {
	t.Helper()
	if got == want || math.IsNaN(got) && math.IsNaN(want) {
		return
	}
	if d := math.Abs(got - want); !(d <= abs || d <= rel*math.Abs(want)) {
		t.Errorf("%s: got %.17g, want %.17g (off by %.3g)", what, got, want, d)
	}
}

func (b *goldenBins) check(t *testing.T) {
	t.Helper()
	near(t, "js", JS(b.Ref, b.Cur), b.JS, 1e-9, 1e-7)
	near(t, "hellinger", Hellinger(b.Ref, b.Cur), b.Hellinger, 1e-9, 1e-7)
	near(t, "tvd", TVD(b.Ref, b.Cur), b.TVD, 1e-9, 1e-12)
	near(t, "l_infinity", LInf(b.Ref, b.Cur), b.LInf, 1e-9, 1e-12)
	near(t, "psi floor", PSIFloor(b.Ref, b.Cur), b.PSIFloor, 1e-9, 1e-12)
	near(t, "psi add half", PSI(b.Ref, b.Cur), b.PSIHalf, 1e-9, 1e-12)
	near(t, "kl", KL(b.Ref, b.Cur), b.KL, 1e-9, 1e-12)
}

func TestGoldenBinsOfRuleBAndDistances(t *testing.T) {
	for _, c := range loadGolden(t) {
		if c.Kind != "numeric" {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			g := mustGrid(t, floats(c.Reference))
			want := c.Expected.BinsB
			if len(g.Atoms()) != len(want.Atoms) || len(g.Spec().Cuts) != len(want.Edges) {
				t.Fatalf("atoms %v cuts %v, want %v %v", g.Atoms(), g.Spec().Cuts, want.Atoms, want.Edges)
			}
			for i, a := range g.Atoms() {
				near(t, "atom", a, want.Atoms[i], 0, 0)
			}
			for i, e := range g.Spec().Cuts {
				near(t, "edge", e, want.Edges[i], 1e-15, 0)
			}
			ref, cur := g.Summarize(floats(c.Reference)), g.Summarize(floats(c.Current))
			p, q := g.CoarseCounts(ref.Fine), g.CoarseCounts(cur.Fine)
			for i := range want.Ref {
				if p[i] != want.Ref[i] || q[i] != want.Cur[i] {
					t.Fatalf("counts %v %v, want %v %v", p, q, want.Ref, want.Cur)
				}
			}
			want.check(t)
			c.Expected.BinsA.check(t)
			d := DescribeNumber(g, ref, cur)
			near(t, "described psi", d.PSI, want.PSIHalf, 1e-9, 1e-12)
			near(t, "described js", d.JS, want.JS, 1e-9, 1e-7)
			near(t, "described ks", d.KS, float64(c.Expected.KS.Statistic), 0, 0.005+1/float64(len(c.Reference)))
		})
	}
}

func TestGoldenTables(t *testing.T) {
	for _, c := range loadGolden(t) {
		if c.Kind != "categorical" {
			continue
		}
		t.Run(c.ID, func(t *testing.T) {
			e := c.Expected
			e.BinsCat.check(t)
			chi := ChiSquare(c.RefCounts, c.CurCounts, false)
			near(t, "chi2", chi.Statistic, float64(e.Chi2.Statistic), 1e-9, 1e-12)
			near(t, "chi2 p", chi.P, e.Chi2.P, 1e-6, 0)
			near(t, "cramer's v", chi.CramersV, e.CramersV, 1e-9, 1e-12)
			if chi.DoF != e.Chi2.DoF {
				t.Errorf("%d degrees of freedom, want %d", chi.DoF, e.Chi2.DoF)
			}
			gt := GTest(c.RefCounts, c.CurCounts)
			near(t, "g", gt.Statistic, float64(e.G.Statistic), 1e-9, 1e-12)
			near(t, "g p", gt.P, e.G.P, 1e-6, 0)
			if y := e.Chi2Yates; y != nil {
				got := ChiSquare(c.RefCounts, c.CurCounts, true)
				near(t, "chi2 with yates", got.Statistic, float64(y.Statistic), 1e-9, 1e-12)
				near(t, "its p", got.P, y.P, 1e-6, 0)
			}
			if z := e.Z; z != nil {
				got, p := TwoProportions(c.CurCounts[1], total(c.CurCounts), c.RefCounts[1], total(c.RefCounts))
				near(t, "|z|", math.Abs(got), math.Abs(float64(z.Z)), 1e-9, 1e-12)
				near(t, "z p", p, z.P, 1e-6, 0)
			}
		})
	}
}
