package alerting

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/dispatch"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// group collects the alerts that one route puts into one notification. It is made from the alerts and the
// routes whenever they change and is not written to disk: what must survive is in the alerts and incidents.
type group struct {
	id      string
	route   *dispatch.Route
	labels  map[string]string
	node    string // empty when the group is shared by the fleet
	key     string // dedup key of its incident; shared by groups of other routes with equal receiver and labels
	entries map[string]*entry

	dirty      bool              // an alert came, went or changed since the last look
	nextAt     time.Time         // when time alone could change something; zero means not before it is dirty
	overflowed bool              // it could not open its incident for lack of room, and that was counted
	suppressed map[string]string // alert key → reason, so that each is counted once per episode
}

// route finds the groups of an alert and makes those that are not there yet.
func (d *Dispatcher) route(e *entry) {
	for _, r := range d.routing.root.Match(e.set) {
		labels := groupLabels(r, e.a.Labels)
		node := e.a.Labels[alert.LabelNode]
		if node == "" {
			node = d.opts.Node
		}
		fleet := e.a.Labels[alert.LabelScope] == "fleet"
		if fleet {
			node = ""
		}
		key := dedupKey(r.RouteOpts.Receiver, labels, node, fleet)
		id := r.ID() + "\x00" + key
		g := d.groups[id]
		if g == nil {
			g = &group{id: id, route: r, labels: labels, node: node, key: key, entries: map[string]*entry{}, suppressed: map[string]string{}}
			d.groups[id] = g
			d.order = append(d.order, g)
		}
		g.entries[e.key] = e
		g.dirty = true
		e.groups = append(e.groups, g)
	}
}

func groupLabels(r *dispatch.Route, labels map[string]string) map[string]string {
	if r.RouteOpts.GroupByAll {
		return maps.Clone(labels)
	}
	out := map[string]string{}
	for name := range r.RouteOpts.GroupBy {
		if v, ok := labels[string(name)]; ok {
			out[string(name)] = v
		}
	}
	return out
}

// dedupKey names an incident: equal for equal receiver, group labels and node, whatever the order of routes
// and however often the agent restarts. The node keeps two agents with the same rules apart, and scope="fleet"
// takes it out again. Every part is length-delimited, so no two incidents share a key by concatenation.
func dedupKey(receiver string, labels map[string]string, node string, fleet bool) string {
	h := sha256.New()
	put := func(s string) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	put("plumbline incident 1")
	put(receiver)
	if fleet {
		put("fleet")
	} else {
		put("node")
		put(node)
	}
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		put(k)
		put(labels[k])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// due says whether a look at the group could change anything.
func (g *group) due(now time.Time) bool {
	return g.dirty || !g.nextAt.IsZero() && !now.Before(g.nextAt)
}

// sooner keeps the earliest time at which a look is needed again.
func (g *group) sooner(t time.Time) {
	if g.nextAt.IsZero() || t.Before(g.nextAt) {
		g.nextAt = t
	}
}

// sorted lists the alerts of the group in a stable order.
func (g *group) sorted() []*entry {
	out := make([]*entry, 0, len(g.entries))
	for _, k := range slices.Sorted(maps.Keys(g.entries)) {
		out = append(out, g.entries[k])
	}
	return out
}

// dropEmpty forgets groups without alerts. Memory of d.order is reused.
func (d *Dispatcher) dropEmpty() {
	kept := d.order[:0]
	for _, g := range d.order {
		if len(g.entries) > 0 {
			kept = append(kept, g)
			continue
		}
		delete(d.groups, g.id)
	}
	clear(d.order[len(kept):])
	d.order = kept
}
