package detection

import (
	"math"
	"strconv"
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// world draws records: a score and a label with a rate of positives, a standard normal number, one of few values, a
// constant, a category.
type world struct {
	r *simulate.RNG

	spam     float64       // share of positives
	perSec   float64       // records a second, by day
	step     time.Duration // in which the world moves on, and is looked at
	shift    float64       // of the normal number, in its deviations
	scale    float64       // of it
	bump     float64       // share of it that lies at +4
	bimodal  bool          // two humps instead, with the same mean and variance
	missing  float64       // share of records without it
	nan      float64       // share of records in which it is NaN
	frozen   bool          // it repeats one value
	outliers bool          // one value of 1e6 in every batch of 200
	unseen   float64       // share of a category that the reference has not
	score    float64       // is added to the score
	twice    bool          // every record is written twice
	senders  int           // so many clients send as much again, all of it positive
	ahead    bool          // a step is looked at as if nothing had come for long after it, so that its bucket is judged at once

	family
	drift    float64 // of the log-odds in this step, of all that wanders
	positive float64 // share of positives in this step
	home     float64 // share of the most frequent category in this step
	client   []byte
	slow     float64       // its autoregressive part
	burst    int           // steps that a burst still lasts
	quiet    time.Duration // since the last one
	size     float64       // of the burst
	n        int           // records so far
}

// family is a way in which nothing changes.
type family struct {
	name    string
	season  float64 // log-odds between night and day; weekends are lower by two thirds of that
	ar, sd  float64 // wander from step to step
	scatter float64 // standard deviation of the log-odds of a step
	bursts  float64 // a day: one to four steps of 4 to 20 times the odds, four hours apart at the least
	night   float64 // traffic at night as a share of that by day; 0 means no difference
}

func newWorld(r *simulate.RNG, f family) *world {
	w := &world{r: r, spam: .05, perSec: changePerSec, step: time.Minute, scale: 1, family: f}
	w.slow = r.NormFloat64() * f.sd
	return w
}

var countries = [...][]byte{[]byte("CH"), []byte("DE"), []byte("FR"), []byte("XX")}

var labels = [...][]byte{[]byte("ham"), []byte("spam")}

// next moves what wanders on, and returns how many records the step has.
func (w *world) next(at time.Time) int {
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
		if w.quiet += w.step; w.burst == 0 && w.quiet >= 4*time.Hour && w.r.Float64() < w.bursts*w.step.Hours()/24 {
			w.burst, w.size = 1+w.r.IntN(4), math.Log(4)+w.r.Float64()*math.Log(5)
		}
		if w.burst > 0 {
			w.drift += w.size
			w.burst--
			w.quiet = 0
		}
	}
	w.positive, w.home = simulate.Odds(w.spam, math.Exp(w.drift)), simulate.Odds(.5, math.Exp(w.drift))
	traffic := w.step.Seconds() * w.perSec
	if w.night > 0 {
		traffic *= w.night + (1-w.night)*day
	}
	return int(w.r.Poisson(traffic))
}

// fill makes the next record: the columns that the model asks for.
func (w *world) fill(s *stand) {
	w.n++
	r, v := w.r, s.rec.Values
	number := func(column int, x float64) {
		if at := s.slots[column]; at >= 0 {
			v[at] = parse.Value{Kind: parse.Number, Num: x}
		}
	}
	text := func(column int, b []byte) { v[s.slots[column]] = parse.Value{Kind: parse.String, Str: b} }

	positive := 0
	if r.Float64() < w.positive {
		positive = 1
	}
	if s.slots[colLabel] >= 0 {
		text(colLabel, labels[positive])
	}
	number(colScore, min(1, max(0, .6*float64(positive)+r.Float64()*.4+w.score)))
	if s.slots[colNormal] >= 0 {
		v[s.slots[colNormal]] = w.normal()
	}
	number(colTies, w.tied())
	number(colConstant, 7)
	if s.slots[colCountry] >= 0 {
		country := 0
		if r.Float64() > w.home {
			country = 1 + r.IntN(2)
		}
		if r.Float64() < w.unseen {
			country = 3
		}
		text(colCountry, countries[country])
	}
	if s.slots[colClient] >= 0 {
		w.client = strconv.AppendUint(w.client[:0], r.Uint64(), 36)
		text(colClient, w.client)
	}
}

// campaign makes the next record of few clients who have nothing but positives to send.
func (w *world) campaign(s *stand) {
	w.fill(s)
	v := s.rec.Values
	v[s.slots[colLabel]] = parse.Value{Kind: parse.String, Str: labels[1]}
	if at := s.slots[colClient]; at >= 0 {
		w.client = strconv.AppendInt(append(w.client[:0], '#'), int64(w.n/2%w.senders), 10)
		v[at] = parse.Value{Kind: parse.String, Str: w.client}
	}
}

// normal is a standard normal number, and what has become of it.
func (w *world) normal() parse.Value {
	r := w.r
	x := r.NormFloat64()
	switch {
	case w.bimodal:
		// Humps of deviation .6 at -.8 and .8.
		x = .6*x + .8*float64(1-2*r.IntN(2))
	case w.bump > 0 && r.Float64() < w.bump:
		x = 4 + .2*x
	}
	x = x*w.scale + w.shift + w.drift/2
	switch {
	case w.missing > 0 && r.Float64() < w.missing:
		return parse.Value{}
	case w.nan > 0 && r.Float64() < w.nan:
		return parse.Value{Kind: parse.NaN}
	case w.frozen:
		x = .125
	case w.outliers && w.n%200 == 0:
		x = 1e6
	}
	return parse.Value{Kind: parse.Number, Num: x}
}

// tied is one of five values, the smaller the more frequent.
func (w *world) tied() float64 { return math.Floor(5 * w.r.Float64() * w.r.Float64()) }

// send hands over a step's records, spread evenly over it.
func (w *world) send(s *stand, from time.Time) {
	n := w.next(from)
	for i := range n {
		at := from.Add(time.Duration(i) * w.step / time.Duration(n))
		w.fill(s)
		s.observe(at, time.Time{})
		if w.twice {
			s.observe(at, time.Time{})
		}
		if w.senders > 0 {
			w.campaign(s)
			s.observe(at, time.Time{})
		}
	}
}

// play feeds a stand with so many steps from an event time on, and returns when that was over. before, if not nil, is called at
// the start of each step, and may end the play.
func (w *world) play(s *stand, from time.Time, steps int, before func(step int) bool) time.Time {
	now := from
	for i := range steps {
		if before != nil && !before(i) {
			return now
		}
		w.send(s, now)
		now = now.Add(w.step)
		if w.ahead {
			s.look(now.Add(2 * w.step))
		} else {
			s.look(now)
		}
	}
	return now
}
