package alerting

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
	"github.com/plumbline-ml/plumbline/internal/snapshot"
)

// Names of the sections on disk.
const (
	alertPrefix     = "alert/"
	incidentPrefix  = "incident/"
	bucketPrefix    = "bucket/"
	silencesSection = "silences"
)

// keeper remembers which sections changed and writes them. It is guarded by the Dispatcher's lock.
type keeper struct {
	store   Store // nil: memory only
	seal    *sealer
	log     *slog.Logger
	changed map[string]bool // section name → true when it is to be written, false when removed
	failing bool
}

func newKeeper(store Store, stateDir string, log *slog.Logger) *keeper {
	return &keeper{store: store, seal: newSealer(stateDir, log), log: log, changed: map[string]bool{}}
}

func (k *keeper) touch(name string) {
	if k.store != nil {
		k.changed[name] = true
	}
}

func (k *keeper) drop(name string) {
	if k.store != nil {
		k.changed[name] = false
	}
}

// commit writes what changed, in one piece.
func (k *keeper) commit(d *Dispatcher) error {
	if k.store == nil || len(k.changed) == 0 {
		return nil
	}
	var sections []snapshot.Section
	var removed []string
	for _, name := range slices.Sorted(maps.Keys(k.changed)) {
		if !k.changed[name] {
			if _, there := k.store.Section(name); there {
				removed = append(removed, name)
			}
			continue
		}
		data, err := d.encode(name)
		if err != nil {
			return fmt.Errorf("encode %s: %w", strings.SplitN(name, "/", 2)[0], err)
		}
		if data != nil {
			sections = append(sections, snapshot.Section{Name: name, Data: data})
		}
	}
	if len(sections) == 0 && len(removed) == 0 {
		clear(k.changed)
		return nil
	}
	if err := k.store.Commit(sections, removed); err != nil {
		if !k.failing {
			k.log.Error("cannot save the delivery state; alerts are delivered from memory meanwhile", "error", err)
		}
		k.failing = true
		return err
	}
	if k.failing {
		k.log.Info("delivery state is saved again")
	}
	k.failing = false
	clear(k.changed)
	return nil
}

func (k *keeper) close() error {
	if k.store == nil {
		return nil
	}
	return k.store.Close()
}

// encode makes the bytes of one section as of now; nil when there is nothing to write any more.
func (d *Dispatcher) encode(name string) ([]byte, error) {
	switch {
	case name == silencesSection:
		return d.silences.encode()
	case strings.HasPrefix(name, alertPrefix):
		if e := d.alerts[strings.TrimPrefix(name, alertPrefix)]; e != nil {
			return json.Marshal(storedAlert{Alert: toJSON(e.a), Ended: e.ended, Expires: e.expires})
		}
	case strings.HasPrefix(name, bucketPrefix):
		if b := d.buckets[strings.TrimPrefix(name, bucketPrefix)]; b != nil {
			return json.Marshal(b.record())
		}
	case strings.HasPrefix(name, incidentPrefix):
		inc := d.incidents[strings.TrimPrefix(name, incidentPrefix)]
		if inc == nil {
			return nil, nil
		}
		inc.Alerts = make([]alertJSON, len(inc.alerts))
		for i, a := range inc.alerts {
			inc.Alerts[i] = toJSON(a)
		}
		inc.Sealed = d.state.seal.seal(inc.target)
		data, err := json.Marshal(inc)
		inc.Alerts = nil
		return data, err
	}
	return nil, nil
}

// restore reads what was saved. A section that cannot be read is dropped with a word in the log: one bad record
// must not keep the others from being delivered.
func (d *Dispatcher) restore(lost bool) {
	if d.state.store == nil {
		return
	}
	bad := 0
	for _, name := range d.state.store.Names() {
		data, ok := d.state.store.Section(name)
		if !ok {
			continue
		}
		if err := d.decode(name, data); err != nil {
			bad++
			d.state.drop(name)
			d.log.Warn("dropped a record of the delivery state that cannot be read", "record", strings.SplitN(name, "/", 2)[0])
		}
	}
	if lost || bad > 0 {
		d.unsureTil = d.started.Add(unsureFor)
	}
	d.requeue()
	for _, e := range d.sortedAlerts() {
		d.route(e)
	}
}

// unsureFor is how long after a damaged state a resolve goes out even for an incident that is not remembered.
const unsureFor = 24 * time.Hour

func (d *Dispatcher) decode(name string, data []byte) error {
	switch {
	case name == silencesSection:
		return d.silences.decode(data)
	case strings.HasPrefix(name, alertPrefix):
		var s storedAlert
		if err := json.Unmarshal(data, &s); err != nil {
			return err
		}
		a := s.Alert.alert()
		if len(a.Labels) == 0 || alertPrefix+a.Key() != name {
			return fmt.Errorf("alert record under a foreign name")
		}
		_, size := clamp(a)
		d.alerts[a.Key()] = &entry{key: a.Key(), a: a, set: labelSet(a.Labels), size: size, ended: s.Ended, expires: s.Expires}
		d.alertText += size
	case strings.HasPrefix(name, bucketPrefix):
		var r bucketRecord
		if err := json.Unmarshal(data, &r); err != nil {
			return err
		}
		d.bucket(strings.TrimPrefix(name, bucketPrefix)).restore(r, d.started)
	case strings.HasPrefix(name, incidentPrefix):
		inc := &incident{}
		if err := json.Unmarshal(data, inc); err != nil {
			return err
		}
		if incidentPrefix+inc.id() != name {
			return fmt.Errorf("incident record under a foreign name")
		}
		for _, a := range inc.Alerts {
			inc.alerts = append(inc.alerts, a.alert())
		}
		inc.Alerts = nil
		inc.target = d.state.seal.open(inc.Sealed)
		if inc.Members == nil {
			inc.Members = map[string]told{}
		}
		d.incidents[inc.id()] = inc
		d.decisions = max(d.decisions, inc.Order)
	}
	return nil
}

type storedAlert struct {
	Alert   alertJSON `json:"alert"`
	Ended   time.Time `json:"ended,omitzero"`
	Expires time.Time `json:"expires,omitzero"`
}

// alertJSON is alert.Alert with a value that may be NaN or infinite.
type alertJSON struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations,omitempty"`
	State       alert.State       `json:"state"`
	Value       string            `json:"value"`
	ActiveAt    time.Time         `json:"active_at"`
	StartsAt    time.Time         `json:"starts_at"`
	UpdatedAt   time.Time         `json:"updated_at"`
	EndsAt      time.Time         `json:"ends_at,omitzero"`
	DataMissing bool              `json:"data_missing,omitempty"`
	Generator   string            `json:"generator,omitempty"`
}

func toJSON(a alert.Alert) alertJSON {
	return alertJSON{a.Labels, a.Annotations, a.State, strconv.FormatFloat(a.Value, 'g', -1, 64), a.ActiveAt, a.StartsAt, a.UpdatedAt, a.EndsAt, a.DataMissing, a.Generator}
}

func (j alertJSON) alert() alert.Alert {
	v, err := strconv.ParseFloat(j.Value, 64)
	if err != nil {
		v = math.NaN()
	}
	return alert.Alert{Labels: j.Labels, Annotations: j.Annotations, State: j.State, Value: v, ActiveAt: j.ActiveAt, StartsAt: j.StartsAt, UpdatedAt: j.UpdatedAt, EndsAt: j.EndsAt, DataMissing: j.DataMissing, Generator: j.Generator}
}
