package pagerduty

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// generator makes alerts that nobody would write on purpose.
type generator struct{ r *rand.Rand }

var pieces = []string{"", " ", "a", "ß", "\x00", "\r\n", "\x1b[31m", "{{", "}}", "../", "%00", "\u202e", "日本語", "\xff\xfe", "😀", "\"", "\\", "<script>", "\u2028"}

func (g generator) text() string {
	n := 0
	switch k := g.r.IntN(1000); {
	case k == 0:
		n = 5000
	case k < 10:
		n = 700
	default:
		n = g.r.IntN(6)
	}
	var b strings.Builder
	for range n {
		b.WriteString(pieces[g.r.IntN(len(pieces))])
	}
	return b.String()
}

func (g generator) time() time.Time {
	switch g.r.IntN(20) {
	case 0:
		return time.Time{}
	case 1:
		return time.Unix(0, math.MaxInt64)
	}
	return time.Unix(g.r.Int64N(4e9), g.r.Int64N(1e9))
}

func (g generator) alert() alert.Alert {
	labels := map[string]string{"alertname": g.text()}
	for _, k := range []string{"severity", "model", "cause", "feature", "node", "scope"} {
		if g.r.IntN(4) > 0 {
			labels[k] = g.text()
		}
	}
	if g.r.IntN(2) == 0 {
		labels["severity"] = []string{"critical", "warning", "info", "BOGUS", "page"}[g.r.IntN(5)]
	}
	annotations := map[string]string{}
	for _, k := range []string{"summary", "description", "runbook_url", "dashboard_url", "expected", "seen", "effect", "onset", "records", "segment"} {
		if g.r.IntN(3) > 0 {
			annotations[k] = g.text()
		}
	}
	if g.r.IntN(2) == 0 {
		annotations["runbook_url"] = "https://example.com/" + g.text()
	}
	states := []alert.State{alert.Firing, alert.Firing, alert.Resolved}
	return alert.Alert{Labels: labels, Annotations: annotations, State: states[g.r.IntN(3)], Value: math.NaN(), StartsAt: g.time(), EndsAt: g.time(), DataMissing: g.r.IntN(5) == 0}
}

func (g generator) notification(i int) destination.Notification {
	n := destination.Notification{Receiver: g.text(), Key: fmt.Sprintf("%064d", i), GroupLabels: map[string]string{"model": g.text()}, Node: g.text(), At: g.time(), Since: g.time(), ExternalURL: g.text()}
	n.Action = []destination.Action{destination.Trigger, destination.Update, destination.Resolve}[g.r.IntN(3)]
	for range 1 + g.r.IntN(3) {
		n.Alerts = append(n.Alerts, g.alert())
	}
	return n
}

func TestAHundredThousandGeneratedAlertsViolateNothing(t *testing.T) {
	total := 100_000
	if testing.Short() {
		total = 5_000
	}
	n, s := newPair(t, Config{Details: map[string]any{"more": "x"}})
	g := generator{rand.New(rand.NewPCG(7, 7))}
	for i := 0; i < total; {
		m := g.notification(i)
		i += len(m.Alerts)
		if _, err := n.Send(t.Context(), m); err != nil {
			h := s.History()
			t.Fatalf("notification after %d alerts: %v: %v", i, err, h[len(h)-1].Errors)
		}
	}
	// One whose details alone are 10 MiB.
	m := g.notification(total)
	m.Action = destination.Trigger
	m.Alerts[0].Annotations["description"] = strings.Repeat("ä", 5<<20)
	if _, err := n.Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
}

func FuzzEveryEventKeepsTheContract(f *testing.F) {
	f.Add(uint64(1), "summary", "critical", "node", "https://example.com/")
	f.Add(uint64(2), "\xff\x00", "BOGUS", "\r\n", "://")
	f.Fuzz(func(t *testing.T, seed uint64, summary, severity, node, url string) {
		n, s := newPair(t, Config{Links: []Link{{Href: url, Text: node}}, Images: []Image{{Src: url, Href: url, Alt: summary}}, Severity: severity, ClientURL: url})
		m := generator{rand.New(rand.NewPCG(seed, 1))}.notification(1)
		m.Action, m.Node = destination.Trigger, node
		m.Alerts[0].Annotations["summary"] = summary
		m.Alerts[0].Labels["severity"] = severity
		if _, err := n.Send(t.Context(), m); err != nil {
			t.Fatal(err, s.History()[0].Errors)
		}
	})
}
