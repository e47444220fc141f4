package monitor

import (
	"math"
	"slices"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

const (
	// gapBudget is the part of the false pages that a model may spend on long waits for a positive.
	gapBudget = .1
	// gapPositives is how many positives must have been seen before a wait can be too long.
	gapPositives = 20
	// gapHours is how many hours of the week the profile of traffic must know: a night has to be among them.
	gapHours = 24
)

// positives follows the records with the label that the model file calls positive.
type positives struct {
	n           uint64
	first, last int64 // event times; 0 before the first
	longest     int64 // the longest time between two of them that the model was not in alarm for
}

// count looks at one label.
func (p *positives) count(v *parse.Value, positive string, event int64, alarmed func() bool) {
	if string(v.Str) != positive || positive == "" {
		return
	}
	p.n++
	if p.first == 0 {
		p.first, p.last = event, event
		return
	}
	if gap := event - p.last; gap > p.longest && !alarmed() {
		p.longest = gap
	}
	p.last = max(p.last, event)
}

func (p *positives) encode(e *encoder) {
	e.uint(p.n)
	e.int(p.first)
	e.int(p.last)
	e.int(p.longest)
}

func (p *positives) decode(d *stateDecoder) {
	p.n, p.first, p.last, p.longest = d.uint(), d.int(), d.int(), d.int()
}

// positiveLimit is how many seconds a model may go on without a positive: so long that Poisson arrivals at the lowest rate
// of the week would exceed it no more often than the budget allows, and never less than twice the longest wait
// that was clean, nor than the model may be silent altogether. ok is false while too little is known.
func (in *Instance) positiveLimit() (seconds float64, ok bool) {
	if in.volume == nil || in.positives.n < gapPositives || in.volume.profile.Hours() < gapHours {
		return 0, false
	}
	i := slices.IndexFunc(in.cols, func(c *column) bool { return c.isLabel && c.base != nil })
	if i < 0 {
		return 0, false
	}
	b := in.cols[i].base
	k := slices.Index(b.categories, in.model.Label.Positive)
	if k < 0 {
		return 0, false
	}
	lo, hi := sequential.ClopperPearson(b.ref.Fine[k], b.ref.N, alphaReference)
	second := in.model.Bucket.Seconds()
	pages := in.model.Budget.Pages
	if in.model.Budget.Probability > 0 {
		pages = in.model.Budget.Probability
	}
	limit := sequential.SilenceAfter(lo*in.volume.profile.Lowest()/second, hi*in.volume.profile.Mean()/second, in.model.Budget.Period.Seconds(), gapBudget*pages, float64(in.positives.longest)/1e9)
	return max(limit, in.model.Silence.Seconds()), !math.IsInf(limit, 1)
}
