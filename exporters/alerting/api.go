package alerting

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/alertmanager/pkg/labels"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// maxAPIBody bounds what the API reads of one request.
const maxAPIBody = 4 << 20

// Handler serves the part of Alertmanager's API v2 that amtool and Grafana's Alertmanager data source use:
// alerts, groups, silences, receivers and status, below /api/v2/. It checks nobody's identity: keep it on a
// loopback address or behind something that does.
func (d *Dispatcher) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/status", d.getStatus)
	mux.HandleFunc("GET /api/v2/receivers", d.getReceivers)
	mux.HandleFunc("GET /api/v2/alerts", d.getAlerts)
	mux.HandleFunc("POST /api/v2/alerts", d.postAlerts)
	mux.HandleFunc("GET /api/v2/alerts/groups", d.getGroups)
	mux.HandleFunc("GET /api/v2/silences", d.getSilences)
	mux.HandleFunc("POST /api/v2/silences", d.postSilence)
	mux.HandleFunc("GET /api/v2/silence/{id}", d.getSilence)
	mux.HandleFunc("DELETE /api/v2/silence/{id}", d.deleteSilence)
	return mux
}

type apiReceiver struct {
	Name string `json:"name"`
}

type apiStatus struct {
	State       string   `json:"state"`
	SilencedBy  []string `json:"silencedBy"`
	InhibitedBy []string `json:"inhibitedBy"`
	MutedBy     []string `json:"mutedBy"`
}

type apiAlert struct {
	Annotations  map[string]string `json:"annotations"`
	EndsAt       time.Time         `json:"endsAt"`
	Fingerprint  string            `json:"fingerprint"`
	Receivers    []apiReceiver     `json:"receivers"`
	StartsAt     time.Time         `json:"startsAt"`
	Status       apiStatus         `json:"status"`
	UpdatedAt    time.Time         `json:"updatedAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
	Labels       map[string]string `json:"labels"`
}

type apiGroup struct {
	Alerts   []apiAlert        `json:"alerts"`
	Labels   map[string]string `json:"labels"`
	Receiver apiReceiver       `json:"receiver"`
}

func (d *Dispatcher) getStatus(w http.ResponseWriter, _ *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	reply(w, map[string]any{
		"cluster":     map[string]any{"status": "disabled", "peers": []string{}},
		"config":      map[string]string{"original": d.routing.original},
		"uptime":      d.started,
		"versionInfo": map[string]string{"version": "0.33.0", "revision": "", "branch": "plumbline", "buildUser": "", "buildDate": "", "goVersion": runtime.Version()},
	})
}

func (d *Dispatcher) getReceivers(w http.ResponseWriter, _ *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := []apiReceiver{}
	for name := range d.routing.receivers {
		out = append(out, apiReceiver{name})
	}
	slices.SortFunc(out, func(a, b apiReceiver) int { return cmp.Compare(a.Name, b.Name) })
	reply(w, out)
}

// query is what a caller wants to see.
type query struct {
	active, silenced, inhibited, muted, unprocessed bool
	filter                                          labels.Matchers
	receiver                                        *regexp.Regexp
}

func parseQuery(r *http.Request) (query, error) {
	q := query{}
	v := r.URL.Query()
	for name, to := range map[string]*bool{"active": &q.active, "silenced": &q.silenced, "inhibited": &q.inhibited, "muted": &q.muted, "unprocessed": &q.unprocessed} {
		*to = true
		if s := v.Get(name); s != "" {
			b, err := strconv.ParseBool(s)
			if err != nil {
				return q, fmt.Errorf("%s: want true or false", name)
			}
			*to = b
		}
	}
	var err error
	if q.filter, err = parseFilter(v["filter"]); err != nil {
		return q, err
	}
	if s := v.Get("receiver"); s != "" {
		if len(s) > 1024 {
			return q, fmt.Errorf("receiver: the expression is too long")
		}
		if q.receiver, err = regexp.Compile("^(?:" + s + ")$"); err != nil {
			return q, fmt.Errorf("receiver: not a regular expression")
		}
	}
	return q, nil
}

func parseFilter(filter []string) (labels.Matchers, error) {
	var out labels.Matchers
	for _, f := range filter {
		if len(f) > 1024 || len(out) > 100 {
			return nil, fmt.Errorf("filter: too long")
		}
		m, err := compat.Matcher(f, "api")
		if err != nil {
			return nil, fmt.Errorf("filter: %q is not a matcher", f)
		}
		out = append(out, m)
	}
	return out, nil
}

// view makes what the API shows of an alert as of now.
func (d *Dispatcher) view(e *entry, look *inhibitor, now time.Time) apiAlert {
	a := apiAlert{
		Annotations: e.a.Annotations, Labels: e.a.Labels, Fingerprint: e.set.Fingerprint().String(),
		StartsAt: e.a.StartsAt, UpdatedAt: e.a.UpdatedAt, EndsAt: e.expires, GeneratorURL: d.opts.ExternalURL,
		Status:    apiStatus{State: "active", SilencedBy: d.silences.mutes(e.set, now), InhibitedBy: []string{}, MutedBy: []string{}},
		Receivers: []apiReceiver{},
	}
	if a.EndsAt.IsZero() {
		a.EndsAt = now.Add(d.routing.resolveAfter) // it has no end; the format wants one
	}
	if a.Annotations == nil {
		a.Annotations = map[string]string{}
	}
	if a.Status.SilencedBy == nil {
		a.Status.SilencedBy = []string{}
	}
	if by := look.mutes(e); by != "" {
		a.Status.InhibitedBy = append(a.Status.InhibitedBy, d.alerts[by].set.Fingerprint().String())
	}
	open := len(e.groups) == 0
	for _, g := range e.groups {
		r := apiReceiver{g.route.RouteOpts.Receiver}
		if !slices.Contains(a.Receivers, r) {
			a.Receivers = append(a.Receivers, r)
		}
		if d.routing.timeMuted(g.route, now) {
			a.Status.MutedBy = append(a.Status.MutedBy, slices.Concat(g.route.RouteOpts.MuteTimeIntervals, g.route.RouteOpts.ActiveTimeIntervals)...)
		} else {
			open = true
		}
	}
	if len(a.Status.SilencedBy)+len(a.Status.InhibitedBy) > 0 || !open {
		a.Status.State = "suppressed"
	}
	return a
}

// wants says whether a caller asked for this alert.
func (q *query) wants(e *entry, a apiAlert) bool {
	s := a.Status
	switch {
	case !e.firing(), !q.filter.Matches(e.set):
		return false
	case !q.active && s.State == "active", !q.silenced && len(s.SilencedBy) > 0, !q.inhibited && len(s.InhibitedBy) > 0, !q.muted && len(s.MutedBy) > 0:
		return false
	case q.receiver != nil:
		return slices.ContainsFunc(a.Receivers, func(r apiReceiver) bool { return q.receiver.MatchString(r.Name) })
	}
	return true
}

func (d *Dispatcher) getAlerts(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r)
	if err != nil {
		refuseRequest(w, http.StatusBadRequest, err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now, out := d.opts.Now(), []apiAlert{}
	look := d.routing.inhibitor(d.alerts, now)
	for _, e := range d.sortedAlerts() {
		if a := d.view(e, look, now); q.wants(e, a) {
			out = append(out, a)
		}
	}
	reply(w, out)
}

func (d *Dispatcher) getGroups(w http.ResponseWriter, r *http.Request) {
	q, err := parseQuery(r)
	if err != nil {
		refuseRequest(w, http.StatusBadRequest, err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now, out := d.opts.Now(), []apiGroup{}
	look := d.routing.inhibitor(d.alerts, now)
	for _, g := range d.order {
		if q.receiver != nil && !q.receiver.MatchString(g.route.RouteOpts.Receiver) {
			continue
		}
		shown := apiGroup{Labels: g.labels, Receiver: apiReceiver{g.route.RouteOpts.Receiver}, Alerts: []apiAlert{}}
		for _, e := range g.sorted() {
			if a := d.view(e, look, now); q.wants(e, a) {
				shown.Alerts = append(shown.Alerts, a)
			}
		}
		if len(shown.Alerts) > 0 {
			out = append(out, shown)
		}
	}
	reply(w, out)
}

// postAlerts takes alerts from outside: from a script, from amtool, from a Prometheus beside us. Ending one with
// endsAt in the past is also how a person ends an alert whose rule is gone.
func (d *Dispatcher) postAlerts(w http.ResponseWriter, r *http.Request) {
	var list []struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		StartsAt    time.Time         `json:"startsAt"`
		EndsAt      time.Time         `json:"endsAt"`
	}
	if err := readJSON(w, r, &list); err != nil {
		refuseRequest(w, http.StatusBadRequest, err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.opts.Now()
	for i, p := range list {
		for k, v := range p.Labels {
			if v == "" { // no label, as in Prometheus
				delete(p.Labels, k)
			}
		}
		if len(p.Labels) == 0 {
			refuseRequest(w, http.StatusBadRequest, fmt.Errorf("alert %d: at least one label pair required", i))
			return
		}
		a := alert.Alert{Labels: p.Labels, Annotations: p.Annotations, State: alert.Firing, StartsAt: p.StartsAt, ActiveAt: p.StartsAt, UpdatedAt: now, Generator: "api"}
		expires := p.EndsAt
		switch {
		case expires.IsZero():
			expires = now.Add(d.routing.resolveAfter)
		case !expires.After(now):
			a.State, a.EndsAt = alert.Resolved, p.EndsAt
		}
		old := d.alerts[a.Key()]
		if old != nil && old.firing() && a.StartsAt.IsZero() {
			a.StartsAt, a.ActiveAt = old.a.StartsAt, old.a.ActiveAt
		}
		fromRules := old != nil && old.firing() && old.expires.IsZero()
		if e := d.accept(now, a); e != nil && !fromRules && e.firing() {
			e.expires = expires
			d.state.touch(alertPrefix + e.key)
		}
	}
	d.changed()
	reply(w, nil)
}

// changed saves and wakes after a change by the API. A state that cannot be saved is the keeper's to report.
func (d *Dispatcher) changed() {
	for _, g := range d.order {
		g.dirty = true
	}
	_ = d.save()
	d.poke()
}

// readJSON reads a body of bounded size. It insists on the content type, because a browser sends that to another
// host only after asking, and this API asks nobody for a password.
func readJSON(w http.ResponseWriter, r *http.Request, to any) error {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return fmt.Errorf("Content-Type: want application/json")
	}
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxAPIBody))
	if err != nil {
		return fmt.Errorf("the body cannot be read or is too large")
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fmt.Errorf("the body is not the JSON that is wanted here")
	}
	return nil
}

func reply(w http.ResponseWriter, body any) {
	if body == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body)
}

// refuseRequest answers with a JSON string, as Alertmanager does.
func refuseRequest(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(strings.TrimSpace(err.Error()))
}
