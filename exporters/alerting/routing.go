package alerting

import (
	_ "embed" // for BuiltinRoutes
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/timeinterval"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// routing is everything that comes from the routes file. It is immutable; a reload makes another one.
type routing struct {
	root         *dispatch.Route
	receivers    map[string]*receiver
	integrations map[string]*integration // by id
	mirrors      []*mirror
	inhibit      []inhibitRule
	intervals    *timeinterval.Intervener
	resolveAfter time.Duration // global.resolve_timeout, for alerts posted to the API without an end
	original     string        // the file, secrets taken out, for the API
	followUps    func(inc *incident) *integration
}

// receiver is a name in the routes and the destinations behind it; none means nobody is told.
type receiver struct {
	name         string
	integrations []*integration
}

// integration is one destination of one receiver.
type integration struct {
	id           string // receiver/kind[index]
	kind         string
	sendResolved bool
	timeout      time.Duration // 0 means the Dispatcher's
	notifier     Notifier

	// The bucket of incidents without a target, which follows the configured credential. It is asked for again
	// after a second: asking may read a file. Guarded by the Dispatcher's lock.
	bucketAt    time.Time
	bucketName  string
	bucketLimit int
}

func (in *integration) bucket(n Notification, now time.Time) (string, int) {
	limited, ok := in.notifier.(destination.Limited)
	if !ok {
		return in.id, 0
	}
	if n.Target != "" {
		return limited.Bucket(n)
	}
	if age := now.Sub(in.bucketAt); in.bucketName == "" || age < 0 || age >= time.Second {
		in.bucketName, in.bucketLimit = limited.Bucket(n)
		in.bucketAt = now
	}
	return in.bucketName, in.bucketLimit
}

func (r *routing) add(rcv *receiver, kind string, index int, sendResolved bool, timeout time.Duration, n Notifier) {
	in := &integration{id: fmt.Sprintf("%s/%s[%d]", rcv.name, kind, index), kind: kind, sendResolved: sendResolved, timeout: timeout, notifier: n}
	rcv.integrations = append(rcv.integrations, in)
	r.integrations[in.id] = in
}

func (r *routing) inhibitor(alerts map[string]*entry, now time.Time) *inhibitor {
	return &inhibitor{rules: r.inhibit, alerts: alerts, now: now}
}

// timeMuted says whether a route is outside its active or inside its mute intervals.
func (r *routing) timeMuted(route *dispatch.Route, now time.Time) bool {
	if names := route.RouteOpts.MuteTimeIntervals; len(names) > 0 {
		if in, _, err := r.intervals.Mutes(names, now); err == nil && in {
			return true
		}
	}
	if names := route.RouteOpts.ActiveTimeIntervals; len(names) > 0 {
		if in, _, err := r.intervals.Mutes(names, now); err == nil && !in {
			return true
		}
	}
	return false
}

// followUp makes a destination for an incident whose receiver is gone from the routes since a restart, from
// what the incident itself remembers. Nil means there is nothing to follow up with.
func (r *routing) followUp(inc *incident) *integration {
	if r.followUps == nil || inc.target == "" {
		return nil
	}
	return r.followUps(inc)
}

// loadRouting reads Options.RoutesFile, or builds the routes that need no file.
func (d *Dispatcher) loadRouting() (*routing, error) {
	data, file := d.opts.Routes, d.opts.RoutesFile
	if data == nil {
		if file == "" {
			file, data = "built-in routes", []byte(BuiltinRoutes)
		} else if read, err := os.ReadFile(file); err == nil {
			data = read
		} else {
			return nil, fmt.Errorf("read routes: %w", err)
		}
	}
	if file == "" {
		file = "routes.yaml"
	}
	cfg, err := parseRoutes(file, data)
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("read routes: %w", err)
	}
	return d.build(cfg, dir)
}

// BuiltinRoutes are the routes that hold when no file is configured. Copy them to begin a file of your own.
//
//go:embed builtin.yaml
var BuiltinRoutes string

func newRouting() *routing {
	return &routing{
		receivers:    map[string]*receiver{},
		integrations: map[string]*integration{},
		intervals:    timeinterval.NewIntervener(nil),
		resolveAfter: 5 * time.Minute,
	}
}

// resolveByRoute is for alerts that nobody here remembers; see resolveForgotten.
func (d *Dispatcher) resolveByRoute(r *dispatch.Route, e *entry, now time.Time) {
	node := e.a.Labels[alert.LabelNode]
	if node == "" {
		node = d.opts.Node
	}
	fleet := e.a.Labels[alert.LabelScope] == "fleet"
	if fleet {
		node = ""
	}
	labels := groupLabels(r, e.a.Labels)
	key := dedupKey(r.RouteOpts.Receiver, labels, node, fleet)
	rcv := d.routing.receivers[r.RouteOpts.Receiver]
	if rcv == nil || d.countPending() >= maxPending {
		return
	}
	busy := slices.ContainsFunc(d.order, func(g *group) bool { return g.key == key && g.anyFires() })
	for _, in := range rcv.integrations {
		if d.incidents[incidentID(in.id, key)] != nil || busy || !in.sendResolved {
			continue
		}
		inc := &incident{Integration: in.id, Kind: in.kind, Receiver: rcv.name, Key: key, GroupLabels: labels, Node: node}
		d.incidents[inc.id()] = inc
		d.decide(inc, now, false, destination.ReasonResolved, []*entry{e})
	}
}

func (g *group) anyFires() bool {
	for _, e := range g.entries {
		if e.firing() {
			return true
		}
	}
	return false
}
