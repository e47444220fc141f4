// Package alert holds the one value that crosses from the rules to the destinations.
//
// An Alert is a snapshot of one alert instance at one moment: it is immutable once handed over, safe to copy
// and holds no reference to the engine that made it. The package does no routing and no I/O.
package alert

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"
)

// Labels that Plumbline gives a meaning to. Rules may set any others.
const (
	LabelName     = "alertname"
	LabelSeverity = "severity" // critical pages, warning opens a ticket, info is for dashboards
	LabelModel    = "model"
	LabelCause    = "cause" // agent, schema, missing, stale, frozen, version, mix, drift, volume, quality, abuse
	LabelFeature  = "feature"
	LabelNode     = "node"
	LabelScope    = "scope" // "fleet" shares one incident over nodes; empty means per node
)

// Severities, by what they do to a person.
const (
	SeverityCritical = "critical"
	SeverityWarning  = "warning"
	SeverityInfo     = "info"
)

// State of an alert instance.
type State string

// Firing and Resolved are the states a destination hears about; Pending never leaves the rules.
const (
	Pending  State = "pending"
	Firing   State = "firing"
	Resolved State = "resolved"
)

// Alert is one alert instance at one moment.
type Alert struct {
	Labels      map[string]string `json:"labels"`      // identity; never empty, always holds alertname
	Annotations map[string]string `json:"annotations"` // text for people: summary, description, runbook_url, dashboard_url
	State       State             `json:"state"`
	Value       float64           `json:"value"`        // of the rule's expression at UpdatedAt
	ActiveAt    time.Time         `json:"active_at"`    // when the condition became true
	StartsAt    time.Time         `json:"starts_at"`    // when it began to fire
	UpdatedAt   time.Time         `json:"updated_at"`   // evaluation that produced this snapshot
	EndsAt      time.Time         `json:"ends_at"`      // zero while firing
	DataMissing bool              `json:"data_missing"` // firing is held because the data that would resolve it is gone
	Generator   string            `json:"generator"`    // rule file and group, for people
}

// Name is the alertname label.
func (a Alert) Name() string { return a.Labels[LabelName] }

// Severity is the severity label, or info when a rule set none.
func (a Alert) Severity() string {
	if s := a.Labels[LabelSeverity]; s != "" {
		return s
	}
	return SeverityInfo
}

// Key identifies the instance: a hex SHA-256 over its sorted labels, 64 characters.
// Label names and values are length-delimited, so no two label sets share a key by concatenation.
func (a Alert) Key() string { return KeyOf(a.Labels) }

// KeyOf is Key for a bare label set.
func KeyOf(labels map[string]string) string {
	h := sha256.New()
	var n [4]byte
	put := func(s string) {
		l := len(s)
		n[0], n[1], n[2], n[3] = byte(l>>24), byte(l>>16), byte(l>>8), byte(l)
		h.Write(n[:])
		h.Write([]byte(s))
	}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		put(k)
		put(labels[k])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Clone returns a copy that shares no map with a.
func (a Alert) Clone() Alert {
	a.Labels = maps.Clone(a.Labels)
	a.Annotations = maps.Clone(a.Annotations)
	return a
}
