package sequential

import "math"

// meanBets is the number of bets of a Mean: five up, five down.
const meanBets = 10

// foldEvery is after how many values the running products become logarithms. Factors lie within [2^-7, 2^30], so 32
// of them stay within a float64.
const foldEvery = 32

// Sums are what a Mean needs of one bucket. They are filled where the records come in, and they add: over goroutines,
// over panes, over nodes. The zero value is an empty bucket. Only sums that were made with the same Mean (the same
// null interval and bets) may be added.
type Sums struct {
	N       uint64  // finite values
	Sum     float64 // of the values, after clipping to [0,1]
	SumSq   float64
	logs    [meanBets]float64 // of the products that were folded
	product [meanBets]float64 // of the last few factors; meaningless while pending is 0
	pending int
}

// Reset empties the bucket.
func (s *Sums) Reset() { *s = Sums{} }

// Add adds the sums of another part of the same bucket.
func (s *Sums) Add(o *Sums) {
	s.fold()
	for i := range s.logs {
		s.logs[i] += o.log(i)
	}
	s.N += o.N
	s.Sum += o.Sum
	s.SumSq += o.SumSq
}

func (s *Sums) log(i int) float64 {
	if s.pending == 0 {
		return s.logs[i]
	}
	return s.logs[i] + math.Log(s.product[i])
}

func (s *Sums) fold() {
	if s.pending == 0 {
		return
	}
	for i, p := range s.product {
		s.logs[i] += math.Log(p)
	}
	s.pending = 0
}
