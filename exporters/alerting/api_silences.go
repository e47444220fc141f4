package alerting

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"
)

// apiSilence is a silence as the API shows it.
type apiSilence struct {
	ID          string            `json:"id"`
	Status      map[string]string `json:"status"`
	UpdatedAt   time.Time         `json:"updatedAt"`
	Annotations map[string]string `json:"annotations"`
	Comment     string            `json:"comment"`
	CreatedBy   string            `json:"createdBy"`
	EndsAt      time.Time         `json:"endsAt"`
	Matchers    []SilenceMatcher  `json:"matchers"`
	StartsAt    time.Time         `json:"startsAt"`
}

func shown(s *Silence, now time.Time) apiSilence {
	out := apiSilence{
		ID: s.ID, Status: map[string]string{"state": s.State(now)}, UpdatedAt: s.UpdatedAt, Comment: s.Comment, CreatedBy: s.CreatedBy,
		EndsAt: s.EndsAt, StartsAt: s.StartsAt, Matchers: slices.Clone(s.Matchers), Annotations: s.Annotations,
	}
	if out.Annotations == nil {
		out.Annotations = map[string]string{}
	}
	for i := range out.Matchers {
		if out.Matchers[i].IsEqual == nil {
			yes := true
			out.Matchers[i].IsEqual = &yes
		}
	}
	return out
}

// SetSilence adds a silence, or replaces the one with its id, and returns the id that it has now.
func (d *Dispatcher) SetSilence(now time.Time, s Silence) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(s.Comment)+len(s.CreatedBy) > 8<<10 || len(s.Matchers) > 100 || len(s.Annotations) > 100 {
		return "", fmt.Errorf("%w: too large", ErrBadSilence)
	}
	id, err := d.silences.set(s, now, newUUID)
	if err != nil {
		return "", err
	}
	d.state.touch(silencesSection)
	d.changed()
	return id, nil
}

// ExpireSilence ends a silence now.
func (d *Dispatcher) ExpireSilence(now time.Time, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.silences.expire(id, now); err != nil {
		return err
	}
	d.state.touch(silencesSection)
	d.changed()
	return nil
}

func (d *Dispatcher) getSilences(w http.ResponseWriter, r *http.Request) {
	filter, err := parseFilter(r.URL.Query()["filter"])
	if err != nil {
		refuseRequest(w, http.StatusBadRequest, err)
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	now, out := d.opts.Now(), []apiSilence{}
	for _, s := range d.silences.sorted() {
		if matchesFilter(s, filter) {
			out = append(out, shown(s, now))
		}
	}
	reply(w, out)
}

// matchesFilter asks whether a silence has a matcher of that name and value, which is what people look for.
func matchesFilter(s *Silence, filter labels.Matchers) bool {
	for _, f := range filter {
		found := false
		for _, m := range s.Matchers {
			found = found || m.Name == f.Name && f.Matches(m.Value)
		}
		if !found && !f.Matches("") {
			return false
		}
	}
	return true
}

func (d *Dispatcher) getSilence(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.silences.byID[r.PathValue("id")]
	if s == nil {
		refuseRequest(w, http.StatusNotFound, ErrNoSilence)
		return
	}
	reply(w, shown(s, d.opts.Now()))
}

func (d *Dispatcher) postSilence(w http.ResponseWriter, r *http.Request) {
	var s Silence
	if err := readJSON(w, r, &s); err != nil {
		refuseRequest(w, http.StatusBadRequest, err)
		return
	}
	id, err := d.SetSilence(d.opts.Now(), s)
	if err != nil {
		refuseSilence(w, err)
		return
	}
	reply(w, map[string]string{"silenceID": id})
}

func (d *Dispatcher) deleteSilence(w http.ResponseWriter, r *http.Request) {
	if err := d.ExpireSilence(d.opts.Now(), r.PathValue("id")); err != nil {
		refuseSilence(w, err)
		return
	}
	reply(w, nil)
}

func refuseSilence(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if errors.Is(err, ErrNoSilence) {
		status = http.StatusNotFound
	}
	refuseRequest(w, status, err)
}

// newUUID makes a random identifier in the form that Alertmanager's clients expect.
func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
