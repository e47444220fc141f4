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

// modelText is the model of all cases; the verbs are its reference, its budget, and more lines.
const modelText = `
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

// Columns of a record, in the order of modelText.
const (
	colScore = iota
	colLabel
	colNormal
	colTies
	colConstant
	colCountry
	numColumns
)

var paths = [numColumns]string{"score", "label", "normal", "ties", "constant", "country"}

// stand is the engine with one model, and a record that is filled again and again.
type stand struct {
	engine *monitor.Engine
	in     *monitor.Instance
	model  *monitor.Model
	rec    parse.Record
	slots  [numColumns]int
	pages  pages
}

// pages are the alarms that were seen, in event time.
type pages struct {
	raised float64 // plumbline_alarms_total so far
	first  time.Time
	count  int // publishes in which it had grown: alarms of one moment are one page
	what   map[string]bool
}

// read are the metrics that the cases look at.
var read = []*catalog.Metric{catalog.Alarm, catalog.Alarms, catalog.Records, catalog.RecordsLate, catalog.RecordsFuture, catalog.AlarmSeen}

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
	raised := 0.
	var b catalog.Batch
	s.engine.Collect(&b)
	for _, x := range b.Samples {
		switch x.Metric {
		case catalog.Alarms:
			raised += x.Value
		case catalog.Alarm:
			if x.Value == 1 {
				if s.pages.what == nil {
					s.pages.what = map[string]bool{}
				}
				s.pages.what[x.Labels[1]+"/"+x.Labels[2]] = true
			}
		}
	}
	if raised > s.pages.raised {
		if s.pages.count++; s.pages.count == 1 {
			s.pages.first = at
		}
		s.pages.raised = raised
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

// newModel makes a model. more are further lines of its file.
func newModel(reference, budget, more string) *monitor.Model {
	m, err := monitor.ParseModel("model.yaml", fmt.Appendf(nil, modelText, reference, budget, more))
	if err != nil {
		panic(err)
	}
	return m
}
