package detectors

import (
	"bytes"
	"encoding/json"
	"iter"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// SampleStatistics are the exact two-sample statistics of `plumbline compare`. A number that has no meaning for the
// column (a rank test of categories, a side without values) is NaN and left out of the JSON.
type SampleStatistics struct {
	KS              float64 // Kolmogorov-Smirnov distance, 0 to 1
	KSP             float64 // its p-value, see KSProbability
	Wasserstein     float64 // Wasserstein-1 distance in the column's unit
	WassersteinIQR  float64 // divided by the reference's interquartile range
	WassersteinStd  float64 // divided by the reference's standard deviation (of n); by 0.001 for a constant
	Energy          float64 // energy distance sqrt(2 int (F-G)^2), in the square root of the unit
	CvM             float64 // Cramer-von Mises T
	CvMP            float64 // p-value from its limit, good to 1e-7
	AD              float64 // Anderson-Darling, normalised, midranks
	MannWhitneyP    float64 // two-sided, normal approximation, tie and continuity correction
	WelchTP         float64 // two-sided t-test with unequal variances
	PSI             float64 // population stability index, add-half, rule B bins
	PSIExpected     float64 // its mean under no change
	PSIFloor        float64 // the PSI of tools that floor shares at 1e-4
	JS              float64 // Jensen-Shannon distance, base 2
	Hellinger       float64
	TVD             float64 // total variation distance
	LInf            float64 // largest change of one bin's share
	KL              float64 // Kullback-Leibler divergence of current from reference, add-half
	Chi2, Chi2P     float64 // contingency table
	GP              float64 // G-test
	CramersV        float64
	ZP              float64 // two proportions; only with two bins
	Bins            int     // bins that PSI to ZP ran over, missing values included when there are any
	MannWhitneyU, T float64 // the statistics behind two of the p-values; not in the JSON
}

// named is one statistic and where it is kept.
type named struct {
	name  string
	value *float64
}

// fields lists what the JSON shows, in its order.
func (s *SampleStatistics) fields() []named {
	return []named{
		{"ks", &s.KS}, {"ks_p", &s.KSP},
		{"wasserstein", &s.Wasserstein}, {"wasserstein_iqr", &s.WassersteinIQR}, {"wasserstein_std", &s.WassersteinStd},
		{"energy", &s.Energy}, {"cvm", &s.CvM}, {"cvm_p", &s.CvMP}, {"ad", &s.AD},
		{"mannwhitney_p", &s.MannWhitneyP}, {"welch_t_p", &s.WelchTP},
		{"psi", &s.PSI}, {"psi_expected", &s.PSIExpected}, {"psi_floor_1e4", &s.PSIFloor},
		{"js", &s.JS}, {"hellinger", &s.Hellinger}, {"tvd", &s.TVD}, {"l_infinity", &s.LInf}, {"kl", &s.KL},
		{"chi2", &s.Chi2}, {"chi2_p", &s.Chi2P}, {"g_p", &s.GP}, {"cramers_v", &s.CramersV}, {"z_p", &s.ZP},
	}
}

// All yields the statistics under the names that the JSON uses, in a fixed order, leaving out those without a value.
func (s *SampleStatistics) All() iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		for _, f := range s.fields() {
			if math.IsNaN(*f.value) || math.IsInf(*f.value, 0) {
				continue
			}
			if !yield(f.name, *f.value) {
				return
			}
		}
	}
}

// MarshalJSON writes an object of the statistics that have a value.
func (s SampleStatistics) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	sep := byte('{')
	for name, v := range s.All() {
		out.WriteByte(sep)
		sep = ','
		number, err := json.Marshal(v)
		if err != nil {
			return nil, err
		}
		out.WriteString(`"` + name + `":`)
		out.Write(number)
	}
	if sep == '{' {
		out.WriteByte('{')
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// CompareNumbers computes every statistic of two samples exactly, in O(n log n). NaN and infinities stand for missing
// values: they are a bin of their own in the statistics over bins and are left out of the others. The bins are rule
// B's, made from the reference.
func CompareNumbers(ref, cur []float64) SampleStatistics {
	a, missingA := finiteSorted(ref)
	b, missingB := finiteSorted(cur)
	p := newPair(a, b)
	s := noStatistics()
	s.KS = p.ks()
	s.KSP = KSProbability(s.KS, p.n, p.m)
	s.Wasserstein, s.Energy = p.distances()
	s.CvM, s.CvMP = p.cvm()
	s.AD = AndersonDarling(true, a, b)
	s.MannWhitneyU, s.MannWhitneyP = p.mannWhitney()
	s.T, s.WelchTP = WelchT(a, b)
	if len(a) == 0 {
		s.table([]uint64{0, missingA}, []uint64{uint64(len(b)), missingB})
		return s
	}
	values := distinct(a)
	n := uint64(len(a))
	sd := deviation(values, n)
	s.WassersteinIQR, s.WassersteinStd = scaleBy(s.Wasserstein, quantile7(values, n, 0.75)-quantile7(values, n, 0.25), sd)
	atoms, cuts := ruleB(values, n)
	binned := func(sorted []float64, missing uint64) []uint64 {
		out := make([]uint64, len(atoms)+len(cuts)+1, len(atoms)+len(cuts)+2)
		for _, x := range sorted {
			if i := countBelow(atoms, x); i < len(atoms) && atoms[i] == x {
				out[i]++
			} else {
				out[len(atoms)+countBelow(cuts, x)]++
			}
		}
		if missingA+missingB > 0 {
			out = append(out, missing)
		}
		return out
	}
	s.table(binned(a, missingA), binned(b, missingB))
	return s
}

// CompareCategories computes the statistics over two tables of counts of the same categories ("missing" being one of
// them). Rows that are empty on both sides are left out.
func CompareCategories(ref, cur []uint64) SampleStatistics {
	s := noStatistics()
	var p, q []uint64
	for i := range ref {
		if ref[i] > 0 || cur[i] > 0 {
			p, q = append(p, ref[i]), append(q, cur[i])
		}
	}
	s.table(p, q)
	return s
}

func noStatistics() SampleStatistics {
	s := SampleStatistics{MannWhitneyU: math.NaN(), T: math.NaN()}
	for _, f := range s.fields() {
		*f.value = math.NaN()
	}
	return s
}

// table fills the statistics over bins.
func (s *SampleStatistics) table(ref, cur []uint64) {
	d := describeTable(ref, cur)
	s.PSI, s.PSIExpected, s.PSIFloor, s.KL = d.PSI, d.PSIExpected, PSIFloor(ref, cur), d.KL
	s.JS, s.Hellinger, s.TVD, s.LInf = d.JS, d.Hellinger, d.TVD, d.LInf
	s.Chi2, s.Chi2P, s.GP, s.CramersV, s.ZP = d.Chi2, d.Chi2P, d.GP, d.CramersV, d.ZP
	s.Bins = d.Bins
}

// distinct turns a sorted sample into distinct values with counts.
func distinct(sorted []float64) []weighted {
	var out []weighted
	for _, x := range sorted {
		if k := len(out); k > 0 && out[k-1].x == x {
			out[k-1].n++
			continue
		}
		out = append(out, weighted{x, 1})
	}
	return out
}

// WelchT is the t statistic of the difference of two means (reference less current) with unequal variances, and its
// two-sided p-value with Welch and Satterthwaite's degrees of freedom. Two constants: t 0 and p 1 when they are equal,
// infinite and 0 when they are not. NaN with fewer than two values on a side.
func WelchT(ref, cur []float64) (t, p float64) {
	if len(ref) < 2 || len(cur) < 2 {
		return math.NaN(), math.NaN()
	}
	m1, v1 := moments(ref)
	m2, v2 := moments(cur)
	return welch(m1, v1, float64(len(ref)), m2, v2, float64(len(cur)))
}

func welch(m1, v1, n1, m2, v2, n2 float64) (t, p float64) {
	a, b := v1/n1, v2/n2
	switch se := math.Sqrt(a + b); {
	case se > 0:
		t = (m1 - m2) / se
	case m1 == m2:
		return 0, 1
	default:
		return math.Inf(int(math.Copysign(1, m1-m2))), 0
	}
	dof := (a + b) * (a + b) / (a*a/(n1-1) + b*b/(n2-1))
	return t, 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: dof}.Survival(math.Abs(t))
}
