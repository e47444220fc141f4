package monitor

import (
	"fmt"
	"math"
	"path/filepath"
	"strconv"
	"strings"
)

// Sensitivity is the smallest change that one stream of a model is expected to page on within an hour.
type Sensitivity struct {
	Model    string   `json:"model"`
	Feature  string   `json:"feature"`
	Cause    string   `json:"cause"`
	What     string   `json:"what"` // the share or mean that it is about
	Expected float64  `json:"expected"`
	Shift    *float64 `json:"smallest_detectable_shift"` // nil when nothing pages within an hour, however large
	PerHour  float64  `json:"records_per_hour"`          // the traffic that this was worked out for
}

// Sensitivities lists what the streams of every model with a reference file can see at the traffic that the reference
// itself had. Models that learn, and references without times, say nothing.
func (e *Engine) Sensitivities() []Sensitivity {
	var out []Sensitivity
	for _, in := range e.instances {
		r := in.reference
		if r == nil || r.From == nil || r.Until == nil || !r.Until.After(*r.From) {
			continue
		}
		perBucket := float64(r.Records) * float64(in.model.Bucket) / float64(r.Until.Sub(*r.From))
		for i, s := range in.evidence.streams {
			found := in.smallestShift(i, perBucket)
			if math.IsNaN(found.size) {
				continue
			}
			x := Sensitivity{
				Model: in.model.Name, Feature: s.feature, Cause: s.cause, What: found.what, Expected: found.expected,
				PerHour: perBucket * float64(shiftHorizon) / float64(in.model.Bucket),
			}
			if found.size < 1 {
				x.Shift = &found.size
			}
			out = append(out, x)
		}
	}
	return out
}

// Watcher makes an engine that watches what a reference file holds with the defaults of a model file: what such a model could
// see can be asked before there is one.
func (r *Reference) Watcher(path string) (*Engine, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", path, err)
	}
	q := strconv.Quote
	var b, predictions, features strings.Builder
	for _, c := range r.Columns {
		switch {
		case c.Role == RolePrediction && c.Name == "score":
			fmt.Fprintf(&predictions, "  score: {path: %s, kind: number}\n", q(c.Path))
		case c.Role == RolePrediction && c.Name == "label":
			fmt.Fprintf(&predictions, "  label: {path: %s}\n", q(c.Path))
		case c.Role == RoleFeature:
			fmt.Fprintf(&features, "  - {path: %s, name: %s, kind: %s}\n", q(c.Path), q(c.Name), c.Kind)
		}
	}
	fmt.Fprintf(&b, "model: %s\nlogs: {include: /l, format: json}\nreference: {file: %s}\n", q(r.Model), q(abs))
	if predictions.Len() > 0 {
		b.WriteString("predictions:\n" + predictions.String())
	}
	if features.Len() > 0 {
		b.WriteString("features:\n" + features.String())
	}
	m, err := ParseModel(path, []byte(b.String()))
	if err != nil {
		return nil, err
	}
	return NewEngine(EngineOptions{Models: []*Model{m}})
}
