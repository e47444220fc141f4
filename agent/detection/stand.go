package detection

import (
	"fmt"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// began is a Monday, at midnight.
var began = time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)

// fullModel is the model of most cases; the others watch one column alone. The verbs are the reference, the budget,
// and more lines.
const (
	fullModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts}
predictions:
  score: {path: score, kind: probability}
  label: {path: label, positive: spam}
features:
  - {path: normal, kind: number}
  - {path: ties, kind: number}
  - {path: constant, kind: number}
  - {path: country, kind: category}
reference: %s
false_pages: %s
%s`
	labelModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts}
predictions:
  label: {path: label, positive: spam}
reference: %s
false_pages: %s
%s`
	clientModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts, client: client}
predictions:
  label: {path: label, positive: spam}
reference: %s
false_pages: %s
%s`
	numberModel = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts}
features:
  - {path: normal, kind: number}
reference: %s
false_pages: %s
%s`
)

// Columns of a record.
const (
	colScore = iota
	colLabel
	colNormal
	colTies
	colConstant
	colCountry
	colClient
	numColumns
)

var paths = [numColumns]string{"score", "label", "normal", "ties", "constant", "country", "client"}

// stand is the engine with one model, and a record that is filled again and again.
type stand struct {
	engine *monitor.Engine
	in     *monitor.Instance
	model  *monitor.Model
	rec    parse.Record
	slots  [numColumns]int
	pages  pages
	batch  catalog.Batch
}

// pages are what people were told, in event time.
type pages struct {
	count   int // moments in which somebody was paged: alarms of one moment are one page
	first   time.Time
	what    map[string]bool // column/cause of every alarm so far
	tickets map[string]bool // causes of every ticket so far
	open    map[string]bool // alarms that stand
}

// read are the metrics that the cases look at.
var read = []*catalog.Metric{catalog.Alarm, catalog.Ticket, catalog.Records, catalog.RecordsLate, catalog.RecordsFuture, catalog.AlarmSeen}

func newStand(m *monitor.Model) *stand {
	e, err := monitor.NewEngine(monitor.EngineOptions{Models: []*monitor.Model{m}, Metrics: read})
	if err != nil {
		panic(err) // the models of this package are good
	}
	s := &stand{engine: e, in: e.Model(m.Name), model: m}
	s.slots = slotsOf(s.in.Plan())
	s.rec.Values = make([]parse.Value, len(s.in.Plan().Slots()))
	return s
}

func slotsOf(plan *parse.Plan) (out [numColumns]int) {
	for c := range out {
		out[c] = -1
	}
	for i, slot := range plan.Slots() {
		for c, path := range paths {
			if slot.Path == path {
				out[c] = i
			}
		}
	}
	return out
}

// observe hands over one record.
func (s *stand) observe(at, arrival time.Time) {
	s.rec.Time = at.UnixNano()
	s.in.Observe(&s.rec, s.in.Plan().Slots(), arrival)
}

// look publishes, as of an event time.
func (s *stand) look(at time.Time) {
	s.engine.Advance(at)
	s.batch.Samples = s.batch.Samples[:0]
	s.engine.Collect(&s.batch)
	s.pages.see(&s.batch, at)
}

// see takes what was published. An alarm that opens a ticket wakes nobody.
func (p *pages) see(b *catalog.Batch, at time.Time) {
	paged := false
	for i := range b.Samples {
		x := &b.Samples[i]
		switch x.Metric {
		case catalog.Alarm:
			if x.Value == 0 && len(p.open) == 0 {
				continue
			}
			id := x.Labels[1] + "/" + x.Labels[2]
			whole := id + "/" + x.Labels[3]
			if x.Value == 0 {
				delete(p.open, whole)
				continue
			}
			if p.open[whole] {
				continue
			}
			if p.open == nil {
				p.open, p.what = map[string]bool{}, map[string]bool{}
			}
			p.open[whole], p.what[id], paged = true, true, true
		case catalog.Ticket:
			if x.Value == 1 {
				if p.tickets == nil {
					p.tickets = map[string]bool{}
				}
				p.tickets[x.Labels[2]] = true
			}
		}
	}
	if paged {
		if p.count++; p.count == 1 {
			p.first = at
		}
	}
}

// total is the sum of a counter's series.
func (s *stand) total(m *catalog.Metric) (sum float64) {
	var b catalog.Batch
	s.engine.Collect(&b)
	for _, x := range b.Samples {
		if x.Metric == m {
			sum += x.Value
		}
	}
	return sum
}

// restart replaces the engine by one with its state.
func (s *stand) restart() {
	changed, _ := s.engine.Sections()
	state := map[string][]byte{}
	for _, c := range changed {
		state[c.Name] = append([]byte(nil), c.Data...)
	}
	pages := s.pages
	*s = *newStand(s.model)
	s.pages = pages
	names := make([]string, 0, len(state))
	for name := range state {
		names = append(names, name)
	}
	if err := s.engine.Restore(names, func(name string) ([]byte, bool) { d, ok := state[name]; return d, ok }); err != nil {
		panic(err)
	}
}

// newModel makes a model from one of the texts. more are further lines of its file.
func newModel(text, reference, budget, more string) *monitor.Model {
	m, err := monitor.ParseModel("model.yaml", fmt.Appendf(nil, text, reference, budget, more))
	if err != nil {
		panic(err)
	}
	return m
}
