// Package simulator writes the inference log of a spam classifier that does not exist.
//
// The demo, the benchmarks and the tests use it: day-and-night traffic, a rare positive class, twenty numeric and
// eight categorical features, a feature store that can stall, and faults (SetFault). The same seed and the same calls give the
// same bytes. A Simulator holds no more than a few kilobytes, is not safe for concurrent use, knows no clock
// and does no I/O. It makes no claim to look like anybody's mail.
package simulator

import (
	"math"
	"math/rand/v2"
	"time"
)

// Options describe the simulated server. The zero value of a field means its default.
type Options struct {
	Seed          uint64        // 0 is a seed like any other
	Rate          float64       // mean requests per second; 0 means 200
	Day           time.Duration // length of a day of traffic; 0 means 24h
	Swing         float64       // night is Rate·(1−Swing), noon Rate·(1+Swing); 0 means 0.4, negative means none
	SpamShare     float64       // share of spam in the mail; 0 means 0.05
	Version       string        // model version in every record; empty means v12
	FullPrecision bool          // write numbers with all 17 digits, as json.dumps does
	ShuffleKeys   bool          // another key order in every record
	Replicas      int           // how many servers answer, each record naming its own; 0 means that records do not say
	Senders       int           // how many senders take turns, each record naming its own; 0 means that records do not say
	Tenants       int           // how many tenants' mail it is, each record naming its own, t1 half of the time; 0 means that records do not say
	FeastTimes    bool          // the age of domain_rep stands as Feast returns it, in domain_rep_event_timestamp
}

// Simulator is a model server that only writes its log.
type Simulator struct {
	opts  Options
	rng   *rand.Rand
	order []int // of the features, changed in place when keys are shuffled

	serial       uint64
	storeUpdated time.Time // newest feature-store refresh that requests see
	stalled      bool
	skew         time.Duration // of the feature store's clock
	withheld     bool
	overcall     float64 // share of ham that is called spam
	sender       int     // of the newest record
	spam         bool    // whether the newest record was about spam
	overcallIn   int     // the tenant whose ham it is; 0 means everybody's
	turned       float64 // share of spam of which people think otherwise now
	extra        bool    // a field that was not there before

	broken  []*broken  // beside features; nil as long as nothing ever was broken
	trouble *rand.Rand // of the faults
	value   []byte     // scratch
}

// New returns a simulator at the start of its stream.
func New(opts Options) *Simulator {
	if opts.Rate == 0 {
		opts.Rate = 200
	}
	if opts.Day == 0 {
		opts.Day = 24 * time.Hour
	}
	switch {
	case opts.Swing == 0:
		opts.Swing = 0.4
	case opts.Swing < 0:
		opts.Swing = 0
	}
	if opts.SpamShare == 0 {
		opts.SpamShare = 0.05
	}
	if opts.Version == "" {
		opts.Version = "v12"
	}
	s := &Simulator{opts: opts, rng: rand.New(rand.NewPCG(opts.Seed, 0x706c756d62))}
	s.order = make([]int, len(features))
	for i := range s.order {
		s.order[i] = i
	}
	return s
}

// SetSpamShare changes the share of spam from the next record on.
func (s *Simulator) SetSpamShare(share float64) { s.opts.SpamShare = share }

// SetVersion changes the model version from the next record on.
func (s *Simulator) SetVersion(v string) { s.opts.Version = v }

// StallFeatureStore stops or resumes the refresh of domain_rep: values stay what they were, only their age grows.
func (s *Simulator) StallFeatureStore(stalled bool) { s.stalled = stalled }

// SkewFeatureStore puts the clock of the feature store ahead.
func (s *Simulator) SkewFeatureStore(by time.Duration) { s.skew = by }

// Requests draws how many requests arrive between two times: Poisson around the rate of that time of day.
func (s *Simulator) Requests(from, to time.Time) int {
	mid := from.Add(to.Sub(from) / 2)
	phase := 2 * math.Pi * float64(mid.UnixNano()%int64(s.opts.Day)) / float64(s.opts.Day)
	return s.poisson(s.opts.Rate * (1 - s.opts.Swing*math.Cos(phase)) * to.Sub(from).Seconds())
}

// Serial is the number of records written so far.
func (s *Simulator) Serial() uint64 { return s.serial }

// poisson draws by inversion for small means and by the normal approximation for large ones.
func (s *Simulator) poisson(mean float64) int {
	if mean > 50 {
		return max(0, int(math.Round(mean+math.Sqrt(mean)*s.rng.NormFloat64())))
	}
	limit, product, n := math.Exp(-mean), s.rng.Float64(), 0
	for product > limit {
		product *= s.rng.Float64()
		n++
	}
	return n
}

// beta draws from Beta(a, b) with small integer a and b as the a-th of a+b−1 uniform order statistics,
// by way of gamma sums: −ln of a product of uniforms.
func (s *Simulator) beta(a, b int) float64 {
	x, y := s.gamma(a), s.gamma(b)
	return x / (x + y)
}

func (s *Simulator) gamma(k int) float64 {
	p := 1.0
	for range k {
		p *= 1 - s.rng.Float64()
	}
	return -math.Log(p)
}
