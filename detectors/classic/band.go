package classic

import "math"

// Band is the threshold that NannyML compares a statistic with: the mean of the statistic over chunks of the reference, plus and minus so many
// population standard deviations. With ten chunks, which the statistic was computed on itself, three of them are no 0.27 %: on unchanged
// data the share of alerts was measured at 2.6 to 6.2 % on average and 41 % for the worst of thirty references. NaN without values.
func Band(values []float64, deviations float64) (lower, upper float64) {
	n := float64(len(values))
	if n == 0 {
		return math.NaN(), math.NaN()
	}
	mean, square := 0., 0.
	for _, v := range values {
		mean += v / n
	}
	for _, v := range values {
		square += (v - mean) * (v - mean) / n
	}
	half := deviations * math.Sqrt(square)
	return mean - half, mean + half
}
