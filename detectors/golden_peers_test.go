package detectors

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
)

// rows counts the values of two columns over the union of their categories; null is a category when missing is set.
func rows(t *testing.T, ref, cur json.RawMessage, missing bool) (p, q []uint64) {
	count := func(raw json.RawMessage) map[string]uint64 {
		out := map[string]uint64{}
		for _, v := range decode[[]any](t, raw) {
			if v == nil && !missing {
				continue
			}
			out[fmt.Sprint(v)]++
		}
		return out
	}
	a, b := count(ref), count(cur)
	var names []string
	for n := range a {
		names = append(names, n)
	}
	for n := range b {
		if _, ok := a[n]; !ok {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	for _, n := range names {
		p, q = append(p, a[n]), append(q, b[n])
	}
	return p, q
}

func toCounts(t *testing.T, raw json.RawMessage) []uint64 {
	var out []uint64
	for _, v := range decode[[]float64](t, raw) {
		out = append(out, uint64(v))
	}
	return out
}

// equalWidth bins two samples as frouros does: equal width between the pooled minimum and maximum.
func equalWidth(ref, cur []float64, bins int) (p, q []uint64) {
	all := append(slices.Clone(ref), cur...)
	low, high := slices.Min(all), slices.Max(all)
	count := func(values []float64) []uint64 {
		out := make([]uint64, bins)
		for _, x := range values {
			b := int(float64(bins) * (x - low) / (high - low))
			out[min(b, bins-1)]++
		}
		return out
	}
	return count(ref), count(cur)
}

// The statistics of golden_peers.json that Plumbline has too, each under the peer's own input. What is left out, and
// why: docs/detectors.md, "Where peers are wrong".
func TestPeersCasesThatApply(t *testing.T) {
	ran := map[string]int{}
	for _, c := range loadPeers(t) {
		t.Run(c.ID, func(t *testing.T) {
			if checkPeer(t, &c) {
				ran[c.Statistic]++
			}
		})
	}
	sum := 0
	for _, n := range ran {
		sum += n
	}
	if sum < 50 {
		t.Errorf("only %d cases ran: %v", sum, ran)
	}
}

func checkPeer(t *testing.T, c *peerCase) bool {
	samples := func() (ref, cur []float64) {
		return floats(decode[[]number](t, c.Reference)), floats(decode[[]number](t, c.Current))
	}
	params := string(c.Params)
	tolerance := max(c.Tolerance, 1e-9)
	switch c.Statistic {
	case "hellinger_categorical":
		var p, q []uint64
		if strings.Contains(params, "counts per category") {
			p, q = toCounts(t, c.Reference), toCounts(t, c.Current)
		} else {
			p, q = rows(t, c.Reference, c.Current, false)
		}
		near(t, "hellinger", Hellinger(p, q), c.number(t), tolerance, 0)
	case "hellinger_binned": // what lies outside the reference's range is one extra bin
		outside := decode[struct {
			N uint64 `json:"current_out_of_range"`
		}](t, c.Params).N
		p, q := append(toCounts(t, c.Reference), 0), append(toCounts(t, c.Current), outside)
		near(t, "hellinger", Hellinger(p, q), c.number(t), tolerance, 0)
	case "js_distance_binned":
		near(t, "js", JS(toCounts(t, c.Reference), toCounts(t, c.Current)), c.number(t), tolerance, 1e-7)
	case "l_infinity_categorical":
		p, q := rows(t, c.Reference, c.Current, false)
		near(t, "l infinity", LInf(p, q), c.number(t), tolerance, 0)
	case "tvd_permutation_p": // the p-value is left out: a permutation test on a lattice
		p, q := rows(t, c.Reference, c.Current, false)
		near(t, "tvd", TVD(p, q), c.Value, tolerance, 1e-12)
	case "histogram_intersection_complement":
		ref, cur := samples()
		bins := decode[struct {
			Bins int `json:"num_bins"`
		}](t, c.Params).Bins
		near(t, "tvd", TVD(equalWidth(ref, cur, bins)), c.number(t), tolerance, 0)
	case "bhattacharyya_equal_width": // -ln sum sqrt(pq); the peer adds an epsilon to empty bins
		ref, cur := samples()
		h := Hellinger(equalWidth(ref, cur, 10))
		near(t, "from hellinger", -math.Log1p(-h*h), c.number(t), 1e-6, 0)
	case "contingency_2x2": // [[cur_1, cur_0], [ref_1, ref_0]] in the peer
		p, q := rows(t, c.Reference, c.Current, false)
		want := decode[[2][2]uint64](t, c.Expected)
		if len(p) != 2 || q[1] != want[0][0] || q[0] != want[0][1] || p[1] != want[1][0] || p[0] != want[1][1] {
			t.Errorf("table %v %v, want %v", p, q, want)
		}
	case "equal_count_bin_edges":
		p := decode[struct {
			N      int `json:"vector_length"`
			Groups int `json:"bin_count"`
		}](t, c.Params)
		for g, want := range decode[[][2]int](t, c.Expected) {
			if lo, hi := equalCount(p.N, p.Groups, g); lo != want[0] || hi != want[1] {
				t.Errorf("group %d is %d to %d, want %v", g, lo, hi, want)
			}
		}
	case "chi2_contingency":
		p, q := rows(t, c.Reference, c.Current, false)
		got, want := ChiSquare(p, q, strings.Contains(params, "yates")), c.numbers(t)
		near(t, "chi2", got.Statistic, want[0], tolerance, 0)
		near(t, "p", got.P, want[1], 1e-6, 0)
	case "z_two_proportions":
		if strings.Contains(c.ID, "nan") {
			return false // the peer counts a null as a success
		}
		p, q := rows(t, c.Reference, c.Current, false)
		_, pv := TwoProportions(q[1], total(q), p[1], total(p))
		near(t, "p", pv, c.number(t), 1e-6, 0)
	case "ks_2samp":
		ref, cur := samples()
		s := CompareNumbers(ref, cur)
		want := c.numbers(t)
		near(t, "ks", s.KS, want[0], tolerance, 1e-12)
		if strings.Contains(params, "asymp") {
			near(t, "p", s.KSP, want[1], 1e-6, 0)
			break
		}
		near(t, "exact p", KSExactProbability(s.KS, uint64(len(ref)), uint64(len(cur))), want[1], 1e-6, 0)
	case "wasserstein_1", "energy_distance":
		ref, cur := weightedSamples(t, c)
		if slices.ContainsFunc(ref, func(x float64) bool { return math.IsInf(x, 0) }) {
			return false // infinity is a missing value here, counted apart
		}
		s := CompareNumbers(ref, cur)
		got := s.Wasserstein
		if c.Statistic == "energy_distance" {
			got = s.Energy
		}
		near(t, c.Statistic, got, c.number(t), tolerance, 1e-12)
	case "cvm_2samp":
		ref, cur := samples()
		s, want := CompareNumbers(ref, cur), c.numbers(t)
		near(t, "cvm", s.CvM, want[0], tolerance, 1e-12)
		if strings.Contains(params, "asymptotic") { // exact p-values of tiny samples are left out
			near(t, "p", s.CvMP, want[1], 1e-6, 1e-12)
		}
	case "cvm_2samp_p":
		ref, cur := samples()
		near(t, "p", CompareNumbers(ref, cur).CvMP, c.number(t), 1e-6, 0)
	case "anderson_ksamp_p":
		ref, cur := samples()
		near(t, "p", AndersonDarlingP(CompareNumbers(ref, cur).AD, 2), c.number(t), 1e-6, 0)
	case "anderson_ksamp":
		ref, cur := samples()
		s, want := CompareNumbers(ref, cur), c.numbers(t)
		near(t, "ad", s.AD, want[0], tolerance, 0)
		near(t, "p", AndersonDarlingP(s.AD, 2), want[1], 1e-6, 0)
	case "anderson_ksamp_statistic":
		midrank := decode[struct{ Midrank bool }](t, c.Params).Midrank
		all := [][]float64{}
		if strings.Contains(c.ID, "4samples") {
			all = decode[[][]float64](t, c.Current)
		} else {
			ref, cur := samples()
			all = append(all, ref, cur)
		}
		near(t, "ad", AndersonDarling(midrank, all...), c.number(t), tolerance, 1e-12)
	case "mannwhitneyu":
		ref, cur := samples()
		s, want := CompareNumbers(ref, cur), c.numbers(t)
		near(t, "u", s.MannWhitneyU, want[0], tolerance, 0)
		near(t, "p", s.MannWhitneyP, want[1], 1e-6, 0)
	default:
		return false
	}
	return true
}

// weightedSamples repeats values by their whole weights.
func weightedSamples(t *testing.T, c *peerCase) (ref, cur []float64) {
	w := decode[struct {
		U []int `json:"u_weights"`
		V []int `json:"v_weights"`
	}](t, c.Params)
	expand := func(raw json.RawMessage, weights []int) (out []float64) {
		for i, x := range floats(decode[[]number](t, raw)) {
			n := 1
			if weights != nil {
				n = weights[i]
			}
			for range n {
				out = append(out, x)
			}
		}
		return out
	}
	return expand(c.Reference, w.U), expand(c.Current, w.V)
}

// elsewhere are the statistics of golden_peers.json that other tests run: TestEstimatedPerformanceAgreesWithNannyML,
// TestSamplingErrorsAndCalibrationErrorAgreeWithNannyML, TestEvaluationsAgreeWithRiver, classic.TestPeersStreams.
var elsewhere = []string{
	"cbpe_", "sampling_error_", "expected_calibration_error", "eval_", "adwin_window_stats",
	"stream_ddm", "stream_eddm", "stream_hddm_a", "stream_hddm_w", "stream_page_hinkley",
}

// Every case of every peer either runs in a test or stands in docs/detectors.md with what we do instead and why. Names
// there may end in a star.
func TestEveryPeersCaseRunsOrIsExplained(t *testing.T) {
	doc, err := os.ReadFile("../docs/detectors.md")
	if err != nil {
		t.Fatal(err)
	}
	var explained []string
	for _, line := range strings.Split(string(doc), "\n") {
		if strings.HasPrefix(line, "| ") {
			for i, word := range strings.Split(line, "`") {
				if i%2 == 1 {
					explained = append(explained, word)
				}
			}
		}
	}
	for _, c := range loadPeers(t) {
		if slices.ContainsFunc(explained, func(pattern string) bool {
			prefix, star := strings.CutSuffix(pattern, "*")
			return c.ID == pattern || star && len(prefix) > 6 && strings.HasPrefix(c.ID, prefix)
		}) {
			continue
		}
		if slices.ContainsFunc(elsewhere, func(s string) bool {
			return strings.HasPrefix(c.Statistic, s) && !strings.HasSuffix(c.Statistic, "_frouros") && !strings.HasSuffix(c.Statistic, "_legacy")
		}) ||
			c.Statistic == "stream_ddm_frouros" || c.Statistic == "stream_adwin" && strings.Contains(string(c.Params), "every bucket boundary") {
			continue
		}
		if ran := false; !t.Run(c.ID, func(t *testing.T) { ran = checkPeer(t, &c) }) || !ran {
			t.Errorf("%s (%s) neither runs nor stands in docs/detectors.md", c.ID, c.Statistic)
		}
	}
}

// Where Plumbline deliberately gives another answer than the peer whose case this is.
func TestPeersAnswersThatWeDoNotGive(t *testing.T) {
	for _, c := range loadPeers(t) {
		switch c.ID {
		case "evidently_chi2_new_category_p0": // one unseen value of three: the peer is certain, a sample of three is not
			p, q := rows(t, c.Reference, c.Current, false)
			if got := ChiSquare(p, q, false).P; got < 0.3 {
				t.Errorf("%s: p %v", c.ID, got)
			}
		case "evidently_mannwhitney_less": // one-sided in the peer
			ref, cur := floats(decode[[]number](t, c.Reference)), floats(decode[[]number](t, c.Current))
			if got := CompareNumbers(ref, cur).MannWhitneyP; math.Abs(got-2*c.number(t)) > 0.01 {
				t.Errorf("%s: two-sided p %v, one-sided %v", c.ID, got, c.number(t))
			}
		case "frouros_psi_doc", "frouros_psi_t": // an empty bin adds 708 times its share in the peer
			ref, cur := floats(decode[[]number](t, c.Reference)), floats(decode[[]number](t, c.Current))
			if got := CompareNumbers(ref, cur).PSI; got > 5 || got < 0.5 {
				t.Errorf("%s: psi %v, the peer says %v", c.ID, got, c.number(t))
			}
		}
	}
}
