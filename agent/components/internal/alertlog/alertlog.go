// Package alertlog writes alerts as OpenTelemetry log records and reads them back.
//
// One record is one alert at one moment: a state change or a re-send. alert_rules writes them, alerting reads them,
// and between the two they may go through Kafka, a file or another agent. Encode never fails. Decode takes records
// that anybody may have sent: what is too large or malformed is refused with its reason and changes nothing. Both
// are pure functions; nothing is kept between calls.
package alertlog

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// EventName marks a log record that carries an alert.
const EventName = "plumbline.alert"

// Scope is the instrumentation scope of the records.
const Scope = "github.com/plumbline-ml/plumbline/rules"

// Attributes of a record. The times are strings in RFC 3339 with nanoseconds, absent when zero.
const (
	attrKey         = "alert.key"
	attrState       = "alert.state"
	attrValue       = "alert.value"
	attrActiveAt    = "alert.active_at"
	attrStartsAt    = "alert.starts_at"
	attrEndsAt      = "alert.ends_at"
	attrDataMissing = "alert.data_missing"
	attrGenerator   = "alert.generator"
	attrLabels      = "alert.labels"
	attrAnnotations = "alert.annotations"
)

// Limits of what Decode takes. They are far above what rules produce; they bound what a stranger can make us hold.
const (
	MaxLabels     = 128
	MaxTextLength = 16 << 10
)

// Errors of Decode, wrapped with the attribute at fault. No value of a record is part of them.
var (
	ErrNotAnAlert = errors.New("not an alert record")
	ErrMalformed  = errors.New("malformed alert record")
)

// Encode writes one record for each alert, in their order.
func Encode(alerts []alert.Alert) plog.Logs {
	logs := plog.NewLogs()
	if len(alerts) == 0 {
		return logs
	}
	scope := logs.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty()
	scope.Scope().SetName(Scope)
	records := scope.LogRecords()
	records.EnsureCapacity(len(alerts))
	for _, a := range alerts {
		encode(a, records.AppendEmpty())
	}
	return logs
}

func encode(a alert.Alert, r plog.LogRecord) {
	r.SetEventName(EventName)
	r.SetTimestamp(pcommon.NewTimestampFromTime(a.UpdatedAt))
	r.SetObservedTimestamp(pcommon.NewTimestampFromTime(a.UpdatedAt))
	number, text := severity(a)
	r.SetSeverityNumber(number)
	r.SetSeverityText(text)
	r.Body().SetStr(Summary(a))

	m := r.Attributes()
	m.EnsureCapacity(10)
	m.PutStr(attrKey, a.Key())
	m.PutStr(attrState, string(a.State))
	m.PutDouble(attrValue, a.Value)
	putTime(m, attrActiveAt, a.ActiveAt)
	putTime(m, attrStartsAt, a.StartsAt)
	putTime(m, attrEndsAt, a.EndsAt)
	if a.DataMissing {
		m.PutBool(attrDataMissing, true)
	}
	if a.Generator != "" {
		m.PutStr(attrGenerator, a.Generator)
	}
	putMap(m, attrLabels, a.Labels)
	putMap(m, attrAnnotations, a.Annotations)
}

// Summary is the text of a record for people who read it as a log line.
func Summary(a alert.Alert) string {
	text := a.Annotations["summary"]
	if text == "" {
		text = a.Annotations["description"]
	}
	if text == "" {
		return fmt.Sprintf("%s: %s", a.Name(), a.State)
	}
	return fmt.Sprintf("%s: %s: %s", a.Name(), a.State, text)
}

// severity of the record, not of the incident: a resolved alert is information.
func severity(a alert.Alert) (plog.SeverityNumber, string) {
	if a.State == alert.Resolved {
		return plog.SeverityNumberInfo, "INFO"
	}
	switch a.Severity() {
	case alert.SeverityCritical:
		return plog.SeverityNumberError, "ERROR"
	case alert.SeverityWarning:
		return plog.SeverityNumberWarn, "WARN"
	}
	return plog.SeverityNumberInfo, "INFO"
}

func putTime(m pcommon.Map, key string, t time.Time) {
	if !t.IsZero() {
		m.PutStr(key, t.UTC().Format(time.RFC3339Nano))
	}
}

func putMap(m pcommon.Map, key string, from map[string]string) {
	to := m.PutEmptyMap(key)
	to.EnsureCapacity(len(from))
	for _, k := range slices.Sorted(maps.Keys(from)) {
		to.PutStr(k, from[k])
	}
}

// Each decodes every record of logs, in order. Records that are no alerts are passed to skipped with the reason.
func Each(logs plog.Logs, found func(alert.Alert), skipped func(error)) {
	for _, rl := range logs.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				a, err := Decode(r)
				if err != nil {
					skipped(err)
					continue
				}
				found(a)
			}
		}
	}
}

// Decode reads one record.
func Decode(r plog.LogRecord) (alert.Alert, error) {
	m := r.Attributes()
	if name, _ := text(m, "event.name"); r.EventName() != EventName && name != EventName {
		return alert.Alert{}, ErrNotAnAlert
	}
	a := alert.Alert{UpdatedAt: r.Timestamp().AsTime()}
	var err error
	if a.Labels, err = readMap(m, attrLabels); err != nil {
		return alert.Alert{}, err
	}
	if a.Annotations, err = readMap(m, attrAnnotations); err != nil {
		return alert.Alert{}, err
	}
	if a.Labels[alert.LabelName] == "" {
		return alert.Alert{}, fmt.Errorf("%w: %s has no %s", ErrMalformed, attrLabels, alert.LabelName)
	}
	state, _ := text(m, attrState)
	switch a.State = alert.State(state); a.State {
	case alert.Firing, alert.Resolved:
	default:
		return alert.Alert{}, fmt.Errorf("%w: %s is neither firing nor resolved", ErrMalformed, attrState)
	}
	if v, ok := m.Get(attrValue); ok {
		switch v.Type() {
		case pcommon.ValueTypeDouble:
			a.Value = v.Double()
		case pcommon.ValueTypeInt:
			a.Value = float64(v.Int())
		default:
			return alert.Alert{}, fmt.Errorf("%w: %s is not a number", ErrMalformed, attrValue)
		}
	}
	for key, to := range map[string]*time.Time{attrActiveAt: &a.ActiveAt, attrStartsAt: &a.StartsAt, attrEndsAt: &a.EndsAt} {
		if *to, err = readTime(m, key); err != nil {
			return alert.Alert{}, err
		}
	}
	if a.StartsAt.IsZero() {
		return alert.Alert{}, fmt.Errorf("%w: %s is missing", ErrMalformed, attrStartsAt)
	}
	if r.Timestamp() == 0 {
		return alert.Alert{}, fmt.Errorf("%w: the record has no time", ErrMalformed)
	}
	if v, ok := m.Get(attrDataMissing); ok {
		a.DataMissing = v.Type() == pcommon.ValueTypeBool && v.Bool()
	}
	a.Generator, _ = text(m, attrGenerator)
	return a, nil
}

func text(m pcommon.Map, key string) (string, bool) {
	v, ok := m.Get(key)
	if !ok || v.Type() != pcommon.ValueTypeStr || len(v.Str()) > MaxTextLength {
		return "", false
	}
	return v.Str(), true
}

func readTime(m pcommon.Map, key string) (time.Time, error) {
	if _, ok := m.Get(key); !ok {
		return time.Time{}, nil
	}
	s, _ := text(m, key)
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, fmt.Errorf("%w: %s is not a time in RFC 3339", ErrMalformed, key)
	}
	return t, nil
}

func readMap(m pcommon.Map, key string) (map[string]string, error) {
	v, ok := m.Get(key)
	if !ok {
		return map[string]string{}, nil
	}
	if v.Type() != pcommon.ValueTypeMap {
		return nil, fmt.Errorf("%w: %s is not a map", ErrMalformed, key)
	}
	if n := v.Map().Len(); n > MaxLabels {
		return nil, fmt.Errorf("%w: %s has %d entries, at most %d are taken", ErrMalformed, key, n, MaxLabels)
	}
	out := make(map[string]string, v.Map().Len())
	for k, e := range v.Map().All() {
		if k == "" || len(k) > MaxTextLength || e.Type() != pcommon.ValueTypeStr || len(e.Str()) > MaxTextLength {
			return nil, fmt.Errorf("%w: %s holds something else than short text", ErrMalformed, key)
		}
		out[k] = e.Str()
	}
	return out, nil
}
