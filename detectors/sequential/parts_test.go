package sequential

import (
	"math"
	"math/rand/v2"
	"testing"
)

// halfHours adds up the buckets of five minutes by six. apart says which of them are handed over as a part of their own;
// nil means none.
func halfHours(obs []Observation, apart func(i int) bool) (out []Observation) {
	const of = 6
	for i := 0; i < len(obs); i += of {
		whole, part := Observation{Minute: obs[i].Minute}, Observation{Minute: obs[i].Minute}
		for j := range of {
			if b := obs[i+j]; apart != nil && apart(i+j) {
				part.K, part.N, part.Part = part.K+b.K, part.N+b.N, part.Part+1./of
			} else {
				whole.K, whole.N = whole.K+b.K, whole.N+b.N
			}
		}
		if part.Part > 0 && part.Part < 1 {
			whole.Part = 1 - part.Part
			out = append(out, whole, part)
		} else {
			whole.K, whole.N = whole.K+part.K, whole.N+part.N
			out = append(out, whole)
		}
	}
	return out
}

// wanderWithBursts wanders slowly, and has two buckets of five times the odds every so many buckets.
func wanderWithBursts(seed uint64, every int) (obs []Observation, burst func(i int) bool) {
	burst = func(i int) bool { return every > 0 && i%every < 2 }
	state, i := 0., 0
	return observe(seed, 28, 200, func(_ int64, r *rand.Rand) float64 {
		state = .98*state + math.Sqrt(1-.98*.98)*.15*r.NormFloat64()
		l := -3 + state
		if burst(i) {
			l += math.Log(5)
		}
		i++
		return l
	}), burst
}

// byHalfHours are the options of a detector that is fed each five minutes, with a reference by half hours.
func byHalfHours() LearnOptions {
	return LearnOptions{ReplayOptions: ReplayOptions{LogA: LogThreshold(8640, 1, 1./32), Weight: 1. / 32, PerBucket: 6}}
}

func TestABurstThatIsAPartOfABucketIsLeftOutAndIsNoWander(t *testing.T) {
	diluted, apart, none := 0., 0., 0.
	for seed := range uint64(4) {
		// A prime, so that it comes at any time of the day and lies anywhere in a half hour.
		obs, burst := wanderWithBursts(20+seed, 283)
		whole, parts := learnOrFail(t, halfHours(obs, nil), byHalfHours()), learnOrFail(t, halfHours(obs, burst), byHalfHours())
		calm, _ := wanderWithBursts(20+seed, 0)
		quiet := learnOrFail(t, halfHours(calm, nil), byHalfHours())
		if parts.Dropped < 20 || parts.Profile.Sigma > whole.Profile.Sigma {
			t.Errorf("left out %d, sigma %v, and %v with diluted bursts", parts.Dropped, parts.Profile.Sigma, whole.Profile.Sigma)
		}
		if n := sum(parts.Profile.N); float64(n) < .97*float64(sum(quiet.Profile.N)) {
			t.Errorf("with the bursts more was left out than they are: %d of %d records stay", n, sum(quiet.Profile.N))
		}
		diluted, apart, none = diluted+whole.Profile.Kappa/4, apart+parts.Profile.Kappa/4, none+quiet.Profile.Kappa/4
	}
	t.Logf("mean kappa: %v with diluted bursts, %v with bursts apart, %v without any", diluted, apart, none)
	if apart > none+.25 || apart > diluted-.25 {
		t.Errorf("mean kappa: %v with diluted bursts, %v with bursts apart, %v without any", diluted, apart, none)
	}
}

func sum(n []uint64) (all uint64) {
	for _, x := range n {
		all += x
	}
	return all
}

func TestBurstsThatAreNotRareArePartOfWhatIsNormal(t *testing.T) {
	obs, burst := wanderWithBursts(30, 36) // two in every three hours are a share of .056
	l := learnOrFail(t, halfHours(obs, burst), byHalfHours())
	all := uint64(0)
	for _, b := range obs {
		all += b.N
	}
	if n := sum(l.Profile.N); float64(n) < .98*float64(all) {
		t.Errorf("%d of %d records stay, %d buckets were left out", n, all, l.Dropped)
	}
}

func TestABucketInTwoPartsThatAreAlikeIsABucket(t *testing.T) {
	obs, _ := wanderWithBursts(31, 0)
	r := rand.New(rand.NewPCG(1, 1))
	whole, parts := learnOrFail(t, halfHours(obs, nil), byHalfHours()), learnOrFail(t, halfHours(obs, func(int) bool { return r.IntN(5) == 0 }), byHalfHours())
	if whole.Profile.Calendar != parts.Profile.Calendar || math.Abs(whole.Profile.Sigma-parts.Profile.Sigma) > 1e-9 || whole.Profile.Kappa != parts.Profile.Kappa || whole.Peak != parts.Peak ||
		sum(whole.Profile.K) != sum(parts.Profile.K) || sum(whole.Profile.N) != sum(parts.Profile.N) {
		t.Errorf("in one %+v, in two %+v", whole, parts)
	}
}

func TestAPartBringsNoMoreThanItsShareOfTheCap(t *testing.T) {
	o := byHalfHours().ReplayOptions
	for part, caps := range map[float64]float64{0: 6, 1: 6, 2: 6, -1: 6, .5: 3, 1. / 6: 1, .01: 1} {
		b := bucketInfo{part: part}
		if got, want := o.bucketCap(&b), caps*BucketCap(o.LogA); math.Abs(got-want) > 1e-9 {
			t.Errorf("a share of %v: %v, want %v", part, got, want)
		}
	}
}
