package sequential

import (
	"cmp"
	"math"
	"slices"
)

// LogAverage returns the logarithm of the weighted average of evidence that is given by its logarithms. Weights are
// normalised; nil means equal ones. The average keeps the budget under any dependence between the streams. Evidence
// that is NaN counts as none. The result is -Inf for no streams.
func LogAverage(logM, weights []float64) float64 {
	top := math.Inf(-1)
	for i, l := range logM {
		if weightOf(weights, i) > 0 && l > top {
			top = l
		}
	}
	total := 0.0
	for i := range logM {
		total += weightOf(weights, i)
	}
	if math.IsInf(top, 0) || total == 0 {
		return top
	}
	sum := 0.0
	for i, l := range logM {
		// Below e^-40 of the largest, a few thousand streams change nothing in the last digit.
		if w := weightOf(weights, i); w > 0 && l > top-40 {
			sum += w * math.Exp(l-top)
		}
	}
	return top + math.Log(sum/total)
}

func weightOf(weights []float64, i int) float64 {
	switch {
	case weights == nil:
		return 1
	case i < len(weights) && weights[i] > 0:
		return weights[i]
	}
	return 0
}

// EBH returns the indices of the streams that the e-Benjamini-Hochberg procedure names as changed when evidence is
// compared with A: the k with the most evidence, for the largest k at which the k-th has at least A*F/k, where F is
// the number of streams. The order is by evidence, largest first. It is nil when there are none.
func EBH(logM []float64, logA float64) []int { return EBHWeighted(logM, nil, logA) }

// EBHWeighted is EBH with unequal shares of the budget: a stream's evidence counts times weight*F, where the weights
// are normalised to sum to 1.
func EBHWeighted(logM, weights []float64, logA float64) []int {
	total := 0.0
	for i := range logM {
		total += weightOf(weights, i)
	}
	order := make([]int, 0, len(logM))
	scaled := make([]float64, len(logM))
	for i, l := range logM {
		if w := weightOf(weights, i); w > 0 && !math.IsNaN(l) {
			scaled[i] = l + math.Log(w/total)
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scaled[b], scaled[a]) })
	found := 0
	for k := len(order); k > 0; k-- {
		// M_(k) >= A*F/k, with the 1/F inside the weight.
		if scaled[order[k-1]] >= logA-math.Log(float64(k)) {
			found = k
			break
		}
	}
	if found == 0 {
		return nil
	}
	return order[:found]
}
