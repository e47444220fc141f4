package simulate

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat/distuv"
)

// RNG draws what the experiments need from a seeded source.
type RNG struct {
	src *rand.PCG
	*rand.Rand
}

// NewRNG returns the generator of one replication of one experiment.
func NewRNG(seed, replication uint64) *RNG {
	src := rand.NewPCG(seed, replication*0x9e3779b97f4a7c15+1)
	return &RNG{src: src, Rand: rand.New(src)}
}

// Binomial draws the number of successes in n trials.
func (r *RNG) Binomial(n uint64, p float64) uint64 {
	switch {
	case n == 0 || p <= 0:
		return 0
	case p >= 1:
		return n
	case p > .5:
		return n - r.Binomial(n, 1-p)
	case float64(n)*p > 20:
		return uint64(distuv.Binomial{N: float64(n), P: p, Src: r.src}.Rand())
	}
	// Inversion: walk up the distribution function.
	odds := p / (1 - p)
	term := math.Exp(float64(n) * math.Log1p(-p))
	u := r.Float64()
	for k := uint64(0); ; k++ {
		if u < term || k >= n {
			return k
		}
		u -= term
		term *= odds * float64(n-k) / float64(k+1)
	}
}

// Poisson draws a count with that mean.
func (r *RNG) Poisson(mean float64) uint64 {
	if !(mean > 0) {
		return 0
	}
	return uint64(distuv.Poisson{Lambda: mean, Src: r.src}.Rand())
}

// Beta draws from the beta distribution.
func (r *RNG) Beta(a, b float64) float64 { return distuv.Beta{Alpha: a, Beta: b, Src: r.src}.Rand() }

// Multinomial fills counts with n records dealt out by the shares.
func (r *RNG) Multinomial(counts []uint64, n uint64, shares []float64) {
	rest := 1.
	for i, p := range shares {
		if rest <= 1e-15 || n == 0 {
			counts[i] = 0
			continue
		}
		k := n
		if i < len(shares)-1 {
			k = r.Binomial(n, min(1, p/rest))
		}
		counts[i] = k
		n -= k
		rest -= p
	}
}

// Expit is the inverse of log-odds.
func Expit(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// Logit is log-odds.
func Logit(p float64) float64 { return math.Log(p / (1 - p)) }

// Odds returns the share whose odds are those of p times a factor.
func Odds(p, factor float64) float64 { return p * factor / (1 - p + p*factor) }
