package alerting

import (
	"cmp"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// mirror keeps one external Alertmanager up to date, as Prometheus does: every alert that is routed to the
// receiver goes over when it changes and again every resend interval, ungrouped, and whether or not it is
// silenced or inhibited here, because the other side does all that itself. Nothing is kept on disk: after a
// restart everything is sent again, and the other side knows alerts by their labels.
type mirror struct {
	id           string // receiver/alertmanager[index]: also the name of its bucket
	receiver     string
	notifier     Notifier
	sendResolved bool
	resend       time.Duration
	timeout      time.Duration
	known        map[string]*mirrored // by alert key; bounded like the alerts themselves
}

// mirrored is one alert over there.
type mirrored struct {
	e       *entry
	state   told      // what it should be told
	changed time.Time // since when; orders the queue
	sent    told      // what it was told last; empty means nothing
	sentAt  time.Time
}

// mirrorBatch bounds one call.
const mirrorBatch = 200

// sync brings the list of alerts up to date.
func (m *mirror) sync(order []*group, now time.Time) {
	routed := map[string]bool{}
	for _, g := range order {
		if g.route.RouteOpts.Receiver != m.receiver {
			continue
		}
		for key, e := range g.entries {
			routed[key] = true
			x := m.known[key]
			if x == nil {
				x = &mirrored{}
				m.known[key] = x
			}
			x.e = e
			if state := tell(e.a); state != x.state {
				x.state, x.changed = state, now
			}
		}
	}
	for key, x := range m.known {
		// What was forgotten here is done with once its end was told; if it cannot be told, a day is enough.
		if !routed[key] && (x.state != toldResolved || x.sent == toldResolved || now.Sub(x.changed) > rejectedFor) {
			delete(m.known, key)
		}
	}
}

// due lists what should be sent now, longest waiting first.
func (m *mirror) due(now time.Time) []*mirrored {
	var out []*mirrored
	for _, x := range m.known {
		if x.state == toldResolved && !m.sendResolved {
			continue
		}
		if age := now.Sub(x.sentAt); x.state != x.sent || age >= m.resend || age < 0 {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b *mirrored) int {
		return cmp.Or(a.changed.Compare(b.changed), a.sentAt.Compare(b.sentAt), cmp.Compare(a.e.key, b.e.key))
	})
	return out[:min(len(out), mirrorBatch)]
}

// nextMirror takes the next batch of any mirror whose bucket is free.
func (d *Dispatcher) nextMirror(now time.Time) *attempt {
	for _, m := range d.routing.mirrors {
		b := d.bucket(m.id)
		if _, ok := b.ready(now); !ok {
			continue
		}
		batch := m.due(now)
		if len(batch) == 0 {
			continue
		}
		b.busy = true
		a := &attempt{mirror: m, bucket: b, batch: batch, n: Notification{
			Receiver: m.receiver, Integration: m.id, Kind: alertmanagerKind, Node: d.opts.Node, Action: destination.Update, Reason: destination.ReasonRepeated,
			At: now, ExternalURL: d.opts.ExternalURL, Alerts: make([]alert.Alert, len(batch)),
		}}
		for i, x := range batch {
			a.n.Alerts[i] = x.e.a
			a.states = append(a.states, x.state)
			switch {
			case x.state == x.sent:
			case x.state == toldResolved && a.n.Action != destination.Trigger:
				a.n.Action = destination.Resolve
			case x.sent == "":
				a.n.Action = destination.Trigger
			}
		}
		return a
	}
	return nil
}

// mirrored records that a batch is known over there. A refused batch counts as known too: the same bytes would
// be refused again, and Alertmanager has taken those alerts of it that are in order.
func (a *attempt) mirrored(now time.Time) {
	for i, x := range a.batch {
		x.sent, x.sentAt = a.states[i], now
	}
}
