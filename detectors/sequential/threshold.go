package sequential

import "math"

// minLogThreshold keeps absurd budgets (a page per bucket) from making a threshold that evidence starts above.
const minLogThreshold = 1

// LogThreshold returns ln A for a budget of falsePages per period, of which this stream may spend the share weight.
// A period has bucketsPerPeriod buckets. Budgets add up: streams with weights that sum to 1 keep the budget together.
//
// A larger threshold is always safe, so an argument that is not a positive number counts as the strictest sense that
// it can have: it returns +Inf, which never pages. The result is never below 1.
func LogThreshold(bucketsPerPeriod, falsePages, weight float64) float64 {
	if !(bucketsPerPeriod > 0) || !(falsePages > 0) || !(weight > 0) {
		return math.Inf(1)
	}
	return max(minLogThreshold, math.Log(bucketsPerPeriod)-math.Log(falsePages)-math.Log(weight))
}

// LogThresholdForProbability returns ln A for the stronger promise: the probability of any false page within one
// period is at most probability, of which this stream may spend the share weight. By Markov's inequality the
// probability is at most the expected number, so it is the budget of `probability` pages per period.
func LogThresholdForProbability(bucketsPerPeriod, probability, weight float64) float64 {
	return LogThreshold(bucketsPerPeriod, min(probability, 1), weight)
}

// capShare is the part of the threshold that one bucket may bring at most.
const capShare = 5

// BucketCap returns the most log-evidence that one bucket may bring to a stream that pages at logA: a fifth. A burst
// of one to four buckets, whatever its size, then cannot page. Lowering a factor keeps the promise.
func BucketCap(logA float64) float64 { return logA / capShare }
