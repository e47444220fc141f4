package detection

import (
	"math"
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// world draws records: a score and a label with a rate of positives, a standard normal number, one of few values, a
// constant, a category.
type world struct {
	r *simulate.RNG

	spam     float64 // share of positives
	perSec   float64 // records a second, by day
	shift    float64 // of the normal number, in its deviations
	scale    float64 // of it
	bump     float64 // share of it that lies at +4
	bimodal  bool    // two humps instead, with the same mean and variance
	missing  float64 // share of records without it
	nan      float64 // share of records in which it is NaN
	frozen   bool    // it repeats one value
	outliers bool    // one value of 1e6 in every batch of 200
	unseen   float64 // share of a category that the reference has not
	score    float64 // is added to the score
	twice    bool    // every record is written twice

	family
	drift float64 // of the log-odds in this minute, of all that wanders
	slow  float64 // its autoregressive part
	burst int     // minutes that a burst still lasts
	quiet int     // minutes since the last one
	size  float64 // of the burst
	n     int     // records so far
}

// family is a way in which nothing changes.
type family struct {
	name    string
	season  float64 // log-odds between night and day; weekends are lower by two thirds of that
	ar, sd  float64 // wander from minute to minute
	scatter float64 // standard deviation of the log-odds of a minute
	bursts  float64 // a day: one to four minutes of 4 to 20 times the odds, four hours apart at the least
	night   float64 // traffic at night as a share of that by day; 0 means no difference
}

func newWorld(r *simulate.RNG, f family) *world {
	w := &world{r: r, spam: .05, perSec: .5, scale: 1, family: f}
	w.slow = r.NormFloat64() * f.sd
	return w
}

var countries = [...][]byte{[]byte("CH"), []byte("DE"), []byte("FR"), []byte("XX")}

var labels = [...][]byte{[]byte("ham"), []byte("spam")}

// minute moves what wanders on, and returns how many records the minute has.
func (w *world) minute(at time.Time) int {
	hour := float64(at.Hour()) + float64(at.Minute())/60
	day := .5 - .5*math.Cos(2*math.Pi*(hour-3)/24)
	w.drift = w.season * (day - .5)
	if wd := at.Weekday(); w.season > 0 && (wd == time.Saturday || wd == time.Sunday) {
		w.drift -= w.season * 2 / 3
	}
	if w.sd > 0 {
		w.slow = w.ar*w.slow + math.Sqrt(1-w.ar*w.ar)*w.sd*w.r.NormFloat64()
		w.drift += w.slow
	}
	w.drift += w.scatter * w.r.NormFloat64()
	if w.bursts > 0 {
		if w.quiet++; w.burst == 0 && w.quiet > 4*60 && w.r.Float64() < w.bursts/(24*60) {
			w.burst, w.size = 1+w.r.IntN(4), math.Log(4)+w.r.Float64()*math.Log(5)
		}
		if w.burst > 0 {
			w.drift += w.size
			w.burst--
			w.quiet = 0
		}
	}
	traffic := 60 * w.perSec
	if w.night > 0 {
		traffic *= w.night + (1-w.night)*day
	}
	return int(w.r.Poisson(traffic))
}

// fill makes the next record.
func (w *world) fill(s *stand) {
	w.n++
	r, v := w.r, s.rec.Values
	number := func(column int, x float64) { v[s.slots[column]] = parse.Value{Kind: parse.Number, Num: x} }
	text := func(column int, b []byte) { v[s.slots[column]] = parse.Value{Kind: parse.String, Str: b} }

	positive, score := 0, r.Float64()*.4
	if r.Float64() < simulate.Odds(w.spam, math.Exp(w.drift)) {
		positive, score = 1, .6+r.Float64()*.4
	}
	text(colLabel, labels[positive])
	number(colScore, min(1, max(0, score+w.score)))

	x := r.NormFloat64()
	switch {
	case w.bimodal:
		// Humps of deviation .6 at -.8 and .8.
		x = .6*x + .8*float64(1-2*r.IntN(2))
	case r.Float64() < w.bump:
		x += 4
	}
	x = x*w.scale + w.shift + w.drift/2
	switch {
	case w.frozen:
		x = .125
	case w.outliers && w.n%200 == 0:
		x = 1e6
	}
	number(colNormal, x)
	if r.Float64() < w.missing {
		v[s.slots[colNormal]] = parse.Value{}
	} else if w.nan > 0 && r.Float64() < w.nan {
		v[s.slots[colNormal]] = parse.Value{Kind: parse.NaN}
	}
	number(colTies, math.Floor(5*r.Float64()*r.Float64()))
	number(colConstant, 7)
	country := 0
	if r.Float64() > simulate.Odds(.5, math.Exp(w.drift)) {
		country = 1 + r.IntN(2)
	}
	if r.Float64() < w.unseen {
		country = 3
	}
	text(colCountry, countries[country])
}

// play feeds a stand with minutes from one event time to another. Each record has its own second; a late one comes
// by so much later than it happened. before, if not nil, is called at the start of each minute, and may end the play.
func (w *world) play(s *stand, from time.Time, minutes int, before func(minute int) bool) time.Time {
	now := from
	for m := range minutes {
		if before != nil && !before(m) {
			return now
		}
		n := w.minute(now)
		for i := range n {
			at := now.Add(time.Duration(i) * time.Minute / time.Duration(n))
			w.fill(s)
			s.observe(at, time.Time{})
			if w.twice {
				s.observe(at, time.Time{})
			}
		}
		now = now.Add(time.Minute)
		s.look(now)
	}
	return now
}
