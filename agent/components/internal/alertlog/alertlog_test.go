package alertlog

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

func sample() alert.Alert {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)
	return alert.Alert{
		Labels:      map[string]string{"alertname": "ModelDrift", "severity": "critical", "model": "spam"},
		Annotations: map[string]string{"summary": "the share of spam doubled"},
		State:       alert.Firing, Value: 1.25,
		ActiveAt: at.Add(-time.Hour), StartsAt: at.Add(-time.Minute), UpdatedAt: at,
		DataMissing: true, Generator: "drift.yaml/drift",
	}
}

func decodeAll(t *testing.T, logs plog.Logs) ([]alert.Alert, []error) {
	t.Helper()
	var found []alert.Alert
	var skipped []error
	Each(logs, func(a alert.Alert) { found = append(found, a) }, func(err error) { skipped = append(skipped, err) })
	return found, skipped
}

func TestAnAlertComesBackAsItWent(t *testing.T) {
	firing := sample()
	resolved := sample()
	resolved.State, resolved.EndsAt, resolved.DataMissing = alert.Resolved, firing.UpdatedAt.Add(time.Minute), false
	bare := alert.Alert{
		Labels: map[string]string{"alertname": "A"}, Annotations: map[string]string{},
		State: alert.Firing, StartsAt: firing.StartsAt, UpdatedAt: firing.UpdatedAt,
	}
	want := []alert.Alert{firing, resolved, bare}

	// Through the wire format, as it would come from another agent.
	wire, err := (&plog.ProtoMarshaler{}).MarshalLogs(Encode(want))
	if err != nil {
		t.Fatal(err)
	}
	logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(wire)
	if err != nil {
		t.Fatal(err)
	}
	got, skipped := decodeAll(t, logs)
	if len(skipped) != 0 {
		t.Fatalf("skipped: %v", skipped)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%+v\nwant\n%+v", got, want)
	}
}

func TestARecordReadsAsALogLine(t *testing.T) {
	r := Encode([]alert.Alert{sample()}).ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0)
	if got := r.Body().Str(); got != "ModelDrift: firing: the share of spam doubled" {
		t.Errorf("body = %q", got)
	}
	if r.SeverityNumber() != plog.SeverityNumberError || r.EventName() != EventName {
		t.Errorf("severity %v, event %q", r.SeverityNumber(), r.EventName())
	}
}

func TestNoAlertsAreNoRecords(t *testing.T) {
	if n := Encode(nil).LogRecordCount(); n != 0 {
		t.Errorf("%d records", n)
	}
}

func TestWhatIsNoAlertIsRefusedWithItsReasonAndWithoutItsValue(t *testing.T) {
	const secret = "hunter2"
	for name, c := range map[string]struct {
		spoil func(plog.LogRecord)
		want  string
		is    error
	}{
		"another event":  {func(r plog.LogRecord) { r.SetEventName(secret) }, "not an alert", ErrNotAnAlert},
		"no name":        {func(r plog.LogRecord) { r.Attributes().PutEmptyMap("alert.labels").PutStr("x", secret) }, "alertname", ErrMalformed},
		"labels as text": {func(r plog.LogRecord) { r.Attributes().PutStr("alert.labels", secret) }, "not a map", ErrMalformed},
		"number as label": {func(r plog.LogRecord) {
			m, _ := r.Attributes().Get("alert.labels")
			m.Map().PutInt("n", 1)
		}, "short text", ErrMalformed},
		"too many labels": {func(r plog.LogRecord) {
			m, _ := r.Attributes().Get("alert.labels")
			for i := range MaxLabels + 1 {
				m.Map().PutStr("l"+strconv.Itoa(i), secret)
			}
		}, "at most 128", ErrMalformed},
		"huge label": {func(r plog.LogRecord) {
			m, _ := r.Attributes().Get("alert.labels")
			m.Map().PutStr("l", strings.Repeat(secret, MaxTextLength))
		}, "short text", ErrMalformed},
		"pending":      {func(r plog.LogRecord) { r.Attributes().PutStr("alert.state", "pending") }, "neither firing nor resolved", ErrMalformed},
		"value":        {func(r plog.LogRecord) { r.Attributes().PutStr("alert.value", secret) }, "not a number", ErrMalformed},
		"time":         {func(r plog.LogRecord) { r.Attributes().PutStr("alert.starts_at", secret) }, "RFC 3339", ErrMalformed},
		"no start":     {func(r plog.LogRecord) { r.Attributes().Remove("alert.starts_at") }, "alert.starts_at", ErrMalformed},
		"without time": {func(r plog.LogRecord) { r.SetTimestamp(0) }, "no time", ErrMalformed},
	} {
		logs := Encode([]alert.Alert{sample()})
		c.spoil(logs.ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0))
		got, skipped := decodeAll(t, logs)
		if len(got) != 0 || len(skipped) != 1 {
			t.Errorf("%s: got %d alerts and %d errors", name, len(got), len(skipped))
			continue
		}
		if err := skipped[0]; !errors.Is(err, c.is) || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeNeverPanicsAndAlwaysRoundTrips(f *testing.F) {
	seed, _ := (&plog.ProtoMarshaler{}).MarshalLogs(Encode([]alert.Alert{sample()}))
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		logs, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(data)
		if err != nil {
			return
		}
		Each(logs, func(a alert.Alert) {
			again, err := Decode(Encode([]alert.Alert{a}).ResourceLogs().At(0).ScopeLogs().At(0).LogRecords().At(0))
			if err != nil {
				t.Fatalf("an alert that was read cannot be read again: %v", err)
			}
			if again.Key() != a.Key() || again.State != a.State {
				t.Fatal("an alert changed on its way")
			}
		}, func(error) {})
	})
}
