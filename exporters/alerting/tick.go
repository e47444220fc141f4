package alerting

import (
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// Tick decides what is due at now and returns it. The decisions are on disk when it returns; Run and Deliver
// send them. It is pure in its input: equal calls of Process and Tick give equal answers.
func (d *Dispatcher) Tick(now time.Time) []Notification {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.expirePosted(now)
	if d.silences.sweep(now) {
		d.state.touch(silencesSection)
	}
	d.pending = d.countPending()
	look := d.routing.inhibitor(d.alerts, now)
	var out []Notification
	for _, g := range d.order {
		if g.due(now) {
			out = append(out, d.flush(g, look, now)...)
		}
	}
	out = append(out, d.closeEnded(now)...)
	for _, m := range d.routing.mirrors {
		m.sync(d.order, now)
	}
	d.collect(now)
	d.metrics.waiting(d, now)
	_ = d.save() // said in the log by the keeper; paging goes on
	return out
}

// flush opens, extends and repeats the incidents of one group. Resolving is closeEnded's, because an
// incident can outlive the group that opened it.
func (d *Dispatcher) flush(g *group, look *inhibitor, now time.Time) []Notification {
	g.dirty, g.nextAt = false, time.Time{}
	r := d.routing.receivers[g.route.RouteOpts.Receiver]
	if r == nil || len(r.integrations) == 0 {
		return nil
	}
	open := d.unmuted(g, look, now)
	var out []Notification
	for _, in := range r.integrations {
		inc := d.incidents[incidentID(in.id, g.key)]
		switch {
		case inc == nil || !inc.Firing:
			if n, ok := d.open(g, in, inc, open, now); ok {
				out = append(out, n)
			}
		default:
			if n, ok := d.extend(g, inc, open, now); ok {
				out = append(out, n)
			}
		}
	}
	return out
}

// unmuted lists the firing alerts that may be told, and arranges another look when some may not: silences
// end and inhibiting alerts resolve without touching this group.
func (d *Dispatcher) unmuted(g *group, look *inhibitor, now time.Time) []*entry {
	timed := d.routing.timeMuted(g.route, now)
	var open []*entry
	for _, e := range g.sorted() {
		if !e.firing() {
			delete(g.suppressed, e.key)
			continue
		}
		reason := ""
		switch {
		case timed:
			reason = "muted"
		case len(d.silences.mutes(e.set, now)) > 0:
			reason = "silenced"
		case look.mutes(e) != "":
			reason = "inhibited"
		}
		if reason == "" {
			open = append(open, e)
			delete(g.suppressed, e.key)
			continue
		}
		g.sooner(now.Add(lookAgain))
		if now.Before(e.start().Add(g.route.RouteOpts.GroupWait)) {
			continue // it would not have been told yet either
		}
		if g.suppressed[e.key] != reason {
			g.suppressed[e.key] = reason
			d.metrics.suppress(reason)
		}
	}
	return open
}

// lookAgain is how soon a group is looked at again while something holds one of its alerts back.
const lookAgain = time.Second

// open starts an incident once group_wait has passed since the first of its alerts began to fire.
func (d *Dispatcher) open(g *group, in *integration, inc *incident, open []*entry, now time.Time) (Notification, bool) {
	if len(open) == 0 {
		return Notification{}, false
	}
	first := open[0].start()
	for _, e := range open[1:] {
		if e.start().Before(first) {
			first = e.start()
		}
	}
	if at := first.Add(g.route.RouteOpts.GroupWait); now.Before(at) {
		g.sooner(at)
		return Notification{}, false
	}
	if inc == nil {
		if d.pending >= maxPending || len(d.incidents) >= maxIncidents {
			if g.sooner(now.Add(lookAgain)); !g.overflowed {
				g.overflowed = true
				d.metrics.suppress("overflow")
			}
			return Notification{}, false
		}
		g.overflowed = false
		inc = &incident{Integration: in.id, Kind: in.kind, Receiver: g.route.RouteOpts.Receiver, Key: g.key, GroupLabels: g.labels, Node: g.node}
		d.incidents[inc.id()] = inc
		d.pending++
	}
	inc.Since = time.Time{}
	inc.Members = map[string]told{}
	return d.tellMembers(g, inc, open, destination.ReasonOpened, now), true
}

// extend tells of changes in an open incident, at most every group_interval, and repeats it.
func (d *Dispatcher) extend(g *group, inc *incident, open []*entry, now time.Time) (Notification, bool) {
	opts := g.route.RouteOpts
	var reason string
	var at time.Time
	joined := slices.ContainsFunc(open, func(e *entry) bool { _, member := inc.Members[e.key]; return !member })
	switch {
	case joined:
		reason, at = destination.ReasonJoined, inc.last().Add(opts.GroupInterval)
	case d.membersChanged(inc):
		reason, at = destination.ReasonChanged, inc.last().Add(opts.GroupInterval)
	case len(open) > 0:
		reason, at = destination.ReasonRepeated, inc.last().Add(opts.RepeatInterval)
	default:
		return Notification{}, false
	}
	if reason == destination.ReasonChanged && !d.anyFires(inc) {
		return Notification{}, false // it has ended: closeEnded says so
	}
	if now.Before(at) {
		g.sooner(at)
		return Notification{}, false
	}
	return d.tellMembers(g, inc, open, reason, now), true
}

// tellMembers decides a firing state: the alerts that may be told now and those that were told before. A member
// that has ended is listed once more and then let go.
func (d *Dispatcher) tellMembers(g *group, inc *incident, open []*entry, reason string, now time.Time) Notification {
	inc.Interval = g.route.RouteOpts.GroupInterval
	for _, e := range open {
		inc.Members[e.key] = toldFiring
	}
	list := d.memberEntries(inc)
	for _, e := range list {
		if inc.Members[e.key] = tell(e.a); !e.firing() {
			delete(inc.Members, e.key)
		}
	}
	g.sooner(now.Add(g.route.RouteOpts.RepeatInterval))
	return d.decide(inc, now, true, reason, list)
}

// closeEnded resolves the incidents none of whose alerts fires any more, whatever is silenced, muted or no longer
// routed. An incident that was told something less than group_interval ago waits for that: this is what
// folds flapping into one open and one close.
func (d *Dispatcher) closeEnded(now time.Time) []Notification {
	var over []string
	for id, inc := range d.incidents {
		if inc.Firing && !d.anyFires(inc) && !now.Before(inc.last().Add(inc.Interval)) {
			over = append(over, id)
		}
	}
	slices.Sort(over)
	var out []Notification
	for _, id := range over {
		inc := d.incidents[id]
		if in := d.integration(inc); in != nil && !in.sendResolved {
			d.forget(inc)
			continue
		}
		list := d.memberEntries(inc)
		n := d.decide(inc, now, false, destination.ReasonResolved, list)
		inc.Members = nil
		out = append(out, n)
	}
	return out
}

func (d *Dispatcher) anyFires(inc *incident) bool {
	for key := range inc.Members {
		if e := d.alerts[key]; e != nil && e.firing() {
			return true
		}
	}
	return false
}

func (d *Dispatcher) membersChanged(inc *incident) bool {
	for key, was := range inc.Members {
		if e := d.alerts[key]; e == nil || tell(e.a) != was {
			return true
		}
	}
	return false
}

func (d *Dispatcher) memberEntries(inc *incident) []*entry {
	var out []*entry
	for key := range inc.Members {
		if e := d.alerts[key]; e != nil {
			out = append(out, e)
		}
	}
	return out
}

// collect lets go of alerts that have ended and that no open incident still has to tell of, and of refused
// incidents that ended long ago.
func (d *Dispatcher) collect(now time.Time) {
	for _, inc := range d.incidents {
		if !inc.Firing && inc.RejectedSeq == inc.Seq && now.Sub(inc.RejectedAt) > rejectedFor {
			d.log.Error("gave up on closing an incident that the destination refuses", "destination", inc.Integration, "dedup_key", inc.Key)
			d.forget(inc)
		}
	}
	var over []*entry
	for _, e := range d.alerts {
		if !e.firing() && e.forgettable(now) {
			over = append(over, e)
		}
	}
	if len(over) > 0 {
		told := d.toldAlerts()
		for _, e := range over {
			if !told[e.key] {
				d.remove(e)
			}
		}
		d.dropEmpty()
	}
	d.dropIdleRetired()
}

// toldAlerts are the alerts that open incidents are about.
func (d *Dispatcher) toldAlerts() map[string]bool {
	told := map[string]bool{}
	for _, inc := range d.incidents {
		if inc.Firing {
			for key := range inc.Members {
				told[key] = true
			}
		}
	}
	return told
}

// rejectedFor is how long a resolve that was refused for good is kept for a repaired credential.
const rejectedFor = 24 * time.Hour

// resolveForgotten sends a resolve for an alert that is not held. It happens only after a damaged state, when
// an incident may be open that nobody here remembers; PagerDuty drops a resolve for an incident it does not have.
func (d *Dispatcher) resolveForgotten(now time.Time, a alert.Alert) {
	e := &entry{key: a.Key(), a: a, set: labelSet(a.Labels)}
	for _, r := range d.routing.root.Match(e.set) {
		d.resolveByRoute(r, e, now)
	}
}
