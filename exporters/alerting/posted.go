package alerting

import (
	"time"

	"github.com/plumbline-ml/plumbline/internal/alert"
)

// expirePosted ends alerts that came by the API and that nobody repeated. Alerts of the rules never end this way.
func (d *Dispatcher) expirePosted(now time.Time) {
	for _, e := range d.alerts {
		if !e.firing() || e.expires.IsZero() || now.Before(e.expires) {
			continue
		}
		e.a.State, e.a.EndsAt, e.a.UpdatedAt = alert.Resolved, e.expires, now
		e.ended = now
		e.touch()
		d.state.touch(alertPrefix + e.key)
	}
}
