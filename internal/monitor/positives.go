package monitor

import "github.com/plumbline-ml/plumbline/internal/parse"

// positives follows the records with the label that the model file calls positive.
type positives struct {
	n           uint64
	first, last int64 // event times; 0 before the first
	longest     int64 // the longest time between two of them that the model was not in alarm for
}

// count looks at one label.
func (p *positives) count(v *parse.Value, positive string, event int64, alarmed bool) {
	if string(v.Str) != positive || positive == "" {
		return
	}
	p.n++
	if p.first == 0 {
		p.first, p.last = event, event
		return
	}
	if gap := event - p.last; gap > p.longest && !alarmed {
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
