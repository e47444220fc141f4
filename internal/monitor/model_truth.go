package monitor

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

// TruthConfig says where the true class of a prediction stands.
type TruthConfig struct {
	Path       string     // of the true class, in the record of the prediction or in a record of its own
	ID         string     // path of the request's id in a record of its own; empty means that records carry their truth
	Timestamp  string     // path of its time in truth.logs; empty means the container's time or the arrival
	Logs       LogsConfig // where such records stand; no include means in the model's own logs
	Positive   string     // the true class that counts as positive
	Threshold  float64    // of a probability, from which on it counts as positive
	Within     time.Duration
	MaxPending int
}

const (
	defaultWithin     = 7 * 24 * time.Hour
	defaultMaxPending = 200_000
	maxMaxPending     = 20_000_000
)

// Separate says whether the truth stands in logs of its own.
func (t *TruthConfig) Separate() bool { return t != nil && len(t.Logs.Include) > 0 }

func (d *decoder) truth(m *Model, e entry) {
	t := &TruthConfig{Threshold: .5, Within: defaultWithin, MaxPending: defaultMaxPending}
	set := map[string]entry{}
	for _, k := range d.mapping(e.val, e.path, "path", "id", "timestamp", "logs", "positive", "threshold", "within", "max_pending") {
		set[k.name] = k
		path := func(expected string) string {
			s, _ := d.text(k, expected)
			if isWildcard(s) {
				d.fail(k.val, k.path, "the truth cannot be a wildcard", "the path of one value", "")
			} else if s != "" {
				d.path(k.val, k.path, s)
			}
			return s
		}
		switch k.name {
		case "path":
			t.Path = path("the path of the true class in a record")
		case "id":
			t.ID = path("the path of the request's id beside the truth")
		case "timestamp":
			t.Timestamp = path("the path of the time at which the truth was known")
		case "logs":
			other := &Model{}
			d.logs(other, k)
			t.Logs = other.Logs
		case "positive":
			t.Positive, _ = d.text(k, "the true class that one looks for")
		case "threshold":
			t.Threshold, _ = d.float(k, 0, 1)
		case "within":
			t.Within, _ = d.duration(k, time.Second, 366*24*time.Hour)
		case "max_pending":
			if v, ok := d.integer(k, 1000, maxMaxPending); ok {
				t.MaxPending = int(v)
			}
		}
	}
	if e.val.Kind != yaml.MappingNode {
		return
	}
	if _, ok := set["path"]; !ok {
		d.fail(e.key, e.path, "path is missing", "the path of the true class in a record", "add path: outcome")
	}
	if o, ok := set["timestamp"]; ok && !t.Separate() {
		d.fail(o.key, o.path, "belongs to truth.logs", "fields.timestamp for records of the model's own logs", "")
	}
	m.Truth = t
}

// truthComplete checks the truth against the rest of the model, when all of it has been read.
func (d *decoder) truthComplete(m *Model, e entry) {
	t := m.Truth
	if t == nil || e.val == nil {
		return
	}
	if t.ID == "" && (t.Separate() || m.ID != "") {
		t.ID = m.ID
	}
	switch {
	case t.Separate() && m.ID == "":
		d.fail(e.key, e.path, "truth.logs without fields.id", "where the id of a prediction stands, to join the truth by", "add fields: {id: request_id}")
	case t.ID != "" && m.ID == "":
		d.fail(e.key, e.path, "truth.id without fields.id", "where the id of a prediction stands, to join the truth by", "add fields: {id: request_id}")
	case m.Label != nil && m.Label.Positive == "":
		d.fail(e.key, e.path, "the label has no positive class", "which class precision and recall are about", "add positive: to predictions.label")
	case m.Label == nil && (m.Score == nil || m.Score.Kind != KindProbability):
		d.fail(e.key, e.path, "there is no prediction that could be right or wrong", "predictions.label, or a score of kind probability", "")
	}
	if t.Positive == "" {
		t.Positive = "1"
		if m.Label != nil {
			t.Positive = m.Label.Positive
		} else {
			m.notes = append(m.notes, `truth.positive: not set; taken as "1"`)
		}
	}
	if t.Separate() && len(d.problems) == 0 {
		if _, err := m.TruthPlan(); err != nil {
			d.fail(e.key, e.path, err.Error(), "", "")
		}
	}
}

// Slots of the plan for truth.logs.
const (
	truthSlotOf = iota
	truthSlotID
)

// TruthPlan makes the parser's plan for truth.logs.
func (m *Model) TruthPlan() (*parse.Plan, error) {
	other := Model{Logs: m.Truth.Logs}
	format, opts := other.Format()
	fields := []parse.Field{{Path: m.Truth.Path}, {Path: m.Truth.ID, Context: true}}
	if m.Truth.Timestamp != "" {
		fields = append(fields, parse.Field{Path: m.Truth.Timestamp, Time: true})
	}
	plan, err := parse.Compile(format, opts, fields)
	if err != nil {
		return nil, fmt.Errorf("logs of the truth: %w", err)
	}
	return plan, nil
}
