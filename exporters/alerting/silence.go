package alerting

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
)

// Silence keeps new notifications back for the alerts it matches. It never keeps a resolve back.
type Silence struct {
	ID          string            `json:"id"`
	Matchers    []SilenceMatcher  `json:"matchers"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
	UpdatedAt   time.Time         `json:"updatedAt"`
	CreatedBy   string            `json:"createdBy"`
	Comment     string            `json:"comment"`
	Annotations map[string]string `json:"annotations,omitempty"`

	compiled labels.Matchers
}

// SilenceMatcher is one condition, in the words of Alertmanager's API.
type SilenceMatcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual *bool  `json:"isEqual,omitempty"` // nil means true
}

// State is pending, active or expired.
func (s *Silence) State(now time.Time) string {
	switch {
	case !now.Before(s.EndsAt):
		return "expired"
	case now.Before(s.StartsAt):
		return "pending"
	}
	return "active"
}

// ErrBadSilence is wrapped by every refusal of a silence.
var ErrBadSilence = errors.New("invalid silence")

// keepExpired is how long an ended silence stays visible.
const keepExpired = 120 * time.Hour

func (s *Silence) compile() error {
	if len(s.Matchers) == 0 {
		return fmt.Errorf("%w: at least one matcher required", ErrBadSilence)
	}
	if !s.StartsAt.Before(s.EndsAt) {
		return fmt.Errorf("%w: it must end after it starts", ErrBadSilence)
	}
	if s.CreatedBy == "" {
		return fmt.Errorf("%w: createdBy missing", ErrBadSilence)
	}
	s.compiled = s.compiled[:0]
	matchesAll := true
	for _, m := range s.Matchers {
		equal := m.IsEqual == nil || *m.IsEqual
		t := labels.MatchEqual
		switch {
		case m.IsRegex && equal:
			t = labels.MatchRegexp
		case m.IsRegex:
			t = labels.MatchNotRegexp
		case !equal:
			t = labels.MatchNotEqual
		}
		c, err := labels.NewMatcher(t, m.Name, m.Value)
		if err != nil || m.Name == "" {
			return fmt.Errorf("%w: matcher %q cannot be read", ErrBadSilence, m.Name)
		}
		matchesAll = matchesAll && c.Matches("")
		s.compiled = append(s.compiled, c)
	}
	if matchesAll {
		return fmt.Errorf("%w: at least one matcher must not match the empty string", ErrBadSilence)
	}
	return nil
}

// silences is guarded by the Dispatcher's lock.
type silences struct {
	byID map[string]*Silence // at most maxSilences
}

func newSilences() *silences { return &silences{byID: map[string]*Silence{}} }

// mutes lists the silences that are active for a label set, sorted.
func (s *silences) mutes(set model.LabelSet, now time.Time) []string {
	var ids []string
	for id, x := range s.byID {
		if x.State(now) == "active" && x.compiled.Matches(set) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// sweep forgets silences that ended long ago.
func (s *silences) sweep(now time.Time) bool {
	n := len(s.byID)
	maps.DeleteFunc(s.byID, func(_ string, x *Silence) bool { return now.Sub(x.EndsAt) > keepExpired })
	return len(s.byID) != n
}

func (s *silences) sorted() []*Silence {
	out := slices.Collect(maps.Values(s.byID))
	slices.SortFunc(out, func(a, b *Silence) int {
		return cmp.Or(a.EndsAt.Compare(b.EndsAt), cmp.Compare(a.ID, b.ID))
	})
	return out
}

func (s *silences) encode() ([]byte, error) { return json.Marshal(s.sorted()) }

func (s *silences) decode(data []byte) error {
	var list []*Silence
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	for _, x := range list {
		if x == nil || x.ID == "" || x.compile() != nil {
			continue
		}
		s.byID[x.ID] = x
	}
	return nil
}

// set adds or replaces a silence and returns its id.
func (s *silences) set(x Silence, now time.Time, newID func() string) (string, error) {
	if x.StartsAt.Before(now) {
		x.StartsAt = now
	}
	if !x.EndsAt.After(now) {
		return "", fmt.Errorf("%w: it must not end in the past", ErrBadSilence)
	}
	if err := x.compile(); err != nil {
		return "", err
	}
	x.UpdatedAt = now
	old := s.byID[x.ID]
	switch {
	case x.ID != "" && old == nil:
		return "", ErrNoSilence
	case old != nil && old.State(now) != "expired" && slices.EqualFunc(old.Matchers, x.Matchers, equalMatcher):
		if old.State(now) == "active" {
			x.StartsAt = old.StartsAt
		}
		s.byID[x.ID] = &x
		return x.ID, nil
	case old != nil && old.State(now) != "expired":
		old.EndsAt, old.UpdatedAt = now, now // another silence takes its place, so that history stays true
	}
	if len(s.byID) >= maxSilences {
		return "", fmt.Errorf("%w: there are %d already", ErrBadSilence, maxSilences)
	}
	x.ID = newID()
	s.byID[x.ID] = &x
	return x.ID, nil
}

// ErrNoSilence says that an id is unknown.
var ErrNoSilence = errors.New("silence not found")

func (s *silences) expire(id string, now time.Time) error {
	x := s.byID[id]
	if x == nil {
		return ErrNoSilence
	}
	if x.State(now) == "expired" {
		return fmt.Errorf("%w: silence %s already expired", ErrBadSilence, id)
	}
	if now.Before(x.StartsAt) {
		x.StartsAt = now
	}
	x.EndsAt, x.UpdatedAt = now, now
	return nil
}

func equalMatcher(a, b SilenceMatcher) bool {
	return a.Name == b.Name && a.Value == b.Value && a.IsRegex == b.IsRegex &&
		(a.IsEqual == nil || *a.IsEqual) == (b.IsEqual == nil || *b.IsEqual)
}
