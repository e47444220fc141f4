package sequential

import (
	"errors"
	"fmt"
	"math"
)

// BudgetOptions is the promise a user wrote.
type BudgetOptions struct {
	// BucketsPerPeriod is how many buckets the period of the promise has: 43,200 for minutes in 30 days.
	BucketsPerPeriod float64
	// FalsePages is how many false pages are allowed per period on average: `false_pages: 1 per 30d`.
	FalsePages float64
	// Probability, when it is above 0, is the stronger promise instead: the probability of any false page within a
	// period is at most this: `false_page_probability: 5% per 30d`.
	Probability float64
}

// ErrBudget says that a budget is no promise.
var ErrBudget = errors.New("want a positive number of buckets, and a positive number of pages or a probability")

// Budget shares one promise over the streams of a model (features, windows, segments, rules) and decides when to
// page. It pages on the weighted average of the streams' evidence, which keeps the promise under any dependence
// between them. It is owned by one goroutine and holds 32 bytes a stream.
//
// The weights need not sum to 1: they count as if they did. A stream may be added at any time, since that lowers the
// others' shares; one that is removed would raise them, so do that only together with a Reset of all evidence, as when
// a model is reloaded.
type Budget struct {
	logA    float64
	weights []float64
	total   float64

	share []float64 // scratch of Decide: weight times evidence over A
	list  []int
}

// NewBudget builds a budget without streams.
func NewBudget(o BudgetOptions) (*Budget, error) {
	pages := o.FalsePages
	if o.Probability > 0 {
		pages = min(o.Probability, 1)
	}
	if !(o.BucketsPerPeriod > 0) || math.IsInf(o.BucketsPerPeriod, 1) || !(pages > 0) || math.IsInf(pages, 1) {
		return nil, fmt.Errorf("%v false pages or probability %v in %v buckets: %w", o.FalsePages, o.Probability, o.BucketsPerPeriod, ErrBudget)
	}
	return &Budget{logA: LogThreshold(o.BucketsPerPeriod, pages, 1)}, nil
}

// Add adds a stream and returns its number. A weight that is not positive gives a stream that never pages.
func (b *Budget) Add(weight float64) int {
	if !(weight > 0) || math.IsInf(weight, 1) {
		weight = 0
	}
	b.weights = append(b.weights, weight)
	b.total += weight
	b.share = append(b.share, 0)
	b.list = make([]int, 0, len(b.weights))
	return len(b.weights) - 1
}

// Weigh changes the weight of a stream. To keep the promise while evidence is there, a weight may only fall, or the
// weights that change must be those of streams without evidence.
func (b *Budget) Weigh(stream int, weight float64) {
	if !(weight > 0) || math.IsInf(weight, 1) {
		weight = 0
	}
	b.weights[stream] = weight
	b.total = 0
	for _, w := range b.weights {
		b.total += w
	}
}

// Len returns the number of streams.
func (b *Budget) Len() int { return len(b.weights) }

// LogA is the threshold of the average.
func (b *Budget) LogA() float64 { return b.logA }

// StreamLogA is the evidence with which one stream pages by itself: the threshold for its own display and, through
// BucketCap, for its cap.
func (b *Budget) StreamLogA(stream int) float64 {
	if b.weights[stream] == 0 {
		return math.Inf(1)
	}
	return b.logA - math.Log(b.weights[stream]/b.total)
}

// Decision is what Decide found.
type Decision struct {
	// LogEvidence is the logarithm of the average; its share of LogA is how near a page is.
	LogEvidence float64
	// Page says that the average has reached the threshold.
	Page bool
	// Culprits are the streams that the page is about, most evidence first, valid until the next call: as many as it
	// takes to reach the threshold without the others, and all that the e-BH procedure names. The caller must reset
	// the evidence of exactly these: the budget is spent on what they had.
	Culprits []int
}

// Decide compares the streams' evidence, given by its logarithms in the order of Add, with the budget. Evidence of a
// stream in an open incident should be passed as -Inf, so that it does not page again. It allocates nothing.
//
// Resetting only the culprits keeps the promise: every page uses up evidence that averages at least A, and the
// evidence that all streams ever gather averages at most 1 a bucket.
func (b *Budget) Decide(logM []float64) Decision {
	d := Decision{LogEvidence: math.Inf(-1)}
	sum := 0.
	b.list = b.list[:0]
	for i, l := range logM[:min(len(logM), len(b.weights))] {
		b.share[i] = 0
		if b.weights[i] == 0 || !(l > math.Inf(-1)) {
			continue
		}
		// Evidence is at most e^690, A at least e: the exponential is finite.
		b.share[i] = b.weights[i] / b.total * math.Exp(min(l, logMaxEvidence)-b.logA)
		sum += b.share[i]
		b.list = append(b.list, i)
	}
	d.LogEvidence = b.logA + math.Log(sum)
	// A hair below 1 is rounding: a single stream that has its own threshold pages.
	const reached = 1 - 1e-12
	if d.Page = sum >= reached; !d.Page {
		return d
	}
	b.sortList()
	enough, named, running := len(b.list), 0, 0.
	for rank, i := range b.list {
		if running += b.share[i]; running >= reached {
			enough = min(enough, rank+1)
		}
		// e-BH: weight * evidence >= A/k for the k-th largest.
		if b.share[i]*float64(rank+1) >= reached {
			named = rank + 1
		}
	}
	d.Culprits = b.list[:max(enough, named)]
	return d
}

// sortList sorts by share, largest first. Heap sort without a closure: it runs rarely, but must not allocate.
func (b *Budget) sortList() {
	n := len(b.list)
	for i := n/2 - 1; i >= 0; i-- {
		b.sift(i, n)
	}
	for end := n - 1; end > 0; end-- {
		b.list[0], b.list[end] = b.list[end], b.list[0]
		b.sift(0, end)
	}
}

// sift keeps the smallest share on top, so that sorting ends with the largest first.
func (b *Budget) sift(i, n int) {
	for {
		child := 2*i + 1
		if child >= n {
			return
		}
		if child+1 < n && b.share[b.list[child+1]] < b.share[b.list[child]] {
			child++
		}
		if b.share[b.list[i]] <= b.share[b.list[child]] {
			return
		}
		b.list[i], b.list[child] = b.list[child], b.list[i]
		i = child
	}
}

// SilenceAfter returns how long a stream may be silent before it is worth a page, in the unit of the gap: records
// come at `low` per unit at the least and at `high` on average, there are `period` units in the budget's period, and
// the reference's longest gap was `longest`. Among Poisson arrivals the expected number of longer gaps per period is
// then at most falsePages; real arrivals are burstier, so it is never less than twice the longest gap seen.
// A stream that may stand still by itself (low = 0) gives +Inf.
func SilenceAfter(low, high, period, falsePages, longest float64) float64 {
	if !(low > 0) || !(high >= low) || !(period > 0) || !(falsePages > 0) {
		return math.Inf(1)
	}
	return max(math.Log(max(1, high*period/falsePages))/low, 2*longest)
}
