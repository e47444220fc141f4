package alerting

import (
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// Dispatcher is the whole of the package. See the package comment.
type Dispatcher struct {
	opts    Options
	log     *slog.Logger
	metrics *metrics
	wake    chan struct{} // buffered by one: somebody changed something that Run should look at

	mu        sync.Mutex // guards everything below; never held during a send
	routing   *routing
	alerts    map[string]*entry // by alert key
	alertText int               // bytes of their labels and annotations
	groups    map[string]*group
	order     []*group // groups in the order of their making, so that a replay decides in the same order
	incidents map[string]*incident
	queue     []waiting // incidents that wait, oldest first, with void places in between
	decisions uint64    // number given to the newest decision; breaks ties between equal times
	pending   int       // incidents whose last state is not acknowledged
	silences  *silences
	buckets   map[string]*bucket
	state     *keeper
	retired   map[string]*integration // integrations of former routes that still have incidents
	unsureTil time.Time               // until then a resolve goes out even for an incident that we do not remember
	started   time.Time
	saidOnce  bool
}

// New reads the routes and the state. A damaged state never fails it; a routes file with a mistake does.
func New(opts Options) (*Dispatcher, error) {
	if err := opts.defaults(); err != nil {
		return nil, err
	}
	d := &Dispatcher{
		opts:      opts,
		log:       opts.Logger,
		wake:      make(chan struct{}, 1),
		alerts:    map[string]*entry{},
		groups:    map[string]*group{},
		incidents: map[string]*incident{},
		buckets:   map[string]*bucket{},
		retired:   map[string]*integration{},
		started:   opts.Now(),
	}
	r, err := d.loadRouting()
	if err != nil {
		return nil, err
	}
	store, lost, err := opts.openStore()
	if err != nil {
		return nil, err
	}
	if d.metrics, err = newMetrics(opts.Registerer); err != nil {
		if store != nil {
			err = errors.Join(err, store.Close())
		}
		return nil, err
	}
	d.state = newKeeper(store, opts.StateDir, d.log)
	d.silences = newSilences()
	d.routing = r
	d.restore(lost)
	d.metrics.destinations(r)
	d.announce()
	return d, nil
}

// announce says once where pages go when the user configured nothing.
func (d *Dispatcher) announce() {
	if d.opts.RoutesFile == "" && d.opts.Routes == nil && !d.opts.DryRun && !d.saidOnce {
		d.saidOnce = true
		d.log.Info("no routes file: critical alerts and warnings go to the " + d.fallback().Name() + "; write a routes.yaml to page somebody")
	}
}

// fallback is the destination that needs no configuration.
func (d *Dispatcher) fallback() Notifier {
	if d.opts.Default != nil {
		return d.opts.Default
	}
	return logNotifier{d.log}
}

// Reload reads the routes again. On an error everything stays as it was.
func (d *Dispatcher) Reload() error {
	r, err := d.loadRouting()
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.retire(d.routing, r)
	d.routing = r
	d.metrics.destinations(r)
	d.groups, d.order = map[string]*group{}, nil
	for _, e := range d.sortedAlerts() {
		e.groups = nil
		d.route(e)
	}
	for _, b := range d.buckets {
		b.notBefore, b.failures = time.Time{}, 0 // whoever repaired the routes wants to see it work now
	}
	for _, inc := range d.incidents {
		inc.RejectedSeq = 0
	}
	d.poke()
	return nil
}

// retire keeps the integrations that still have incidents to follow up and are no longer configured.
func (d *Dispatcher) retire(old, next *routing) {
	for id, in := range old.integrations {
		if next.integrations[id] == nil {
			d.retired[id] = in
		}
	}
	for id := range next.integrations {
		delete(d.retired, id)
	}
	d.dropIdleRetired()
}

func (d *Dispatcher) dropIdleRetired() {
	if len(d.retired) == 0 {
		return
	}
	used := map[string]bool{}
	for _, inc := range d.incidents {
		used[inc.Integration] = true
	}
	for id := range d.retired {
		if !used[id] {
			delete(d.retired, id)
		}
	}
}

// ErrNotSaved wraps the reason why the state could not be written. What was passed is held in memory and
// delivered all the same; only a crash before the next successful write could forget it.
var ErrNotSaved = errors.New("alerting: the delivery state could not be saved")

// Process takes state changes and re-sends of alerts. When it returns nil they survive a crash.
func (d *Dispatcher) Process(now time.Time, alerts []alert.Alert) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, a := range alerts {
		d.accept(now, a)
	}
	d.poke()
	return d.save()
}

// Active lists the firing alerts that are held, in a stable order. The rules can compare them with their own
// after a restart: an alert that fires here and is unknown there needs an explicit resolve.
func (d *Dispatcher) Active() []alert.Alert {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []alert.Alert
	for _, e := range d.sortedAlerts() {
		if e.firing() {
			out = append(out, e.a.Clone())
		}
	}
	return out
}

// Pending is the number of incidents whose last state is not acknowledged.
func (d *Dispatcher) Pending() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.countPending()
}

// Close saves and releases the state. Run must have returned.
func (d *Dispatcher) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.metrics.close()
	return errors.Join(d.save(), d.state.close())
}

func (d *Dispatcher) save() error {
	if err := d.state.commit(d); err != nil {
		return fmt.Errorf("%w: %w", ErrNotSaved, err)
	}
	return nil
}

// poke wakes Run without waiting for it.
func (d *Dispatcher) poke() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

func (d *Dispatcher) sortedAlerts() []*entry {
	out := make([]*entry, 0, len(d.alerts))
	for _, e := range d.alerts {
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b *entry) int { return destination.Less(a.a, b.a) })
	return out
}
