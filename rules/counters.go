package rules

import (
	"github.com/prometheus/prometheus/model/labels"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

const (
	// maxSavedCounters bounds how many counters go into the saved state.
	maxSavedCounters = 2000
	// beforeRestart is how long before the first sample after a restart the last value from before it is put. The true time may be
	// out of reach of every rule, and while the agent was down the counter could not rise.
	beforeRestart = 60 * 1000
)

// savedCounter is the newest value of a counter that some rule takes the increase of. Counters of the agent survive restarts; without the
// value from before, a rise that happens while the agent starts (bytes found lost, a state that had to be recovered) would never be
// seen as one.
type savedCounter struct {
	Labels map[string]string `json:"labels"`
	Time   int64             `json:"time"` // Unix milliseconds
	Value  savedFloat        `json:"value"`
}

func (st *store) counters() []savedCounter {
	var out []savedCounter
	for name, m := range st.byName {
		if c, ok := catalog.Series(name); !ok || c.Type == catalog.Gauge || m.window == 0 {
			continue
		}
		for _, s := range m.list {
			if s.n > 0 && len(out) < maxSavedCounters {
				last := s.at(s.n - 1)
				out = append(out, savedCounter{Labels: s.lbls.Map(), Time: last.t, Value: savedFloat(last.v)})
			}
		}
	}
	return out
}

// plantCounters puts the saved values before the first samples after a restart.
func (st *store) plantCounters(saved []savedCounter, first int64) {
	for _, c := range saved {
		at := max(c.Time, first-beforeRestart)
		if at >= first {
			continue // the clock went back: what was saved lies in the future
		}
		if s, _ := st.series(labels.FromMap(c.Labels)); s != nil && s.n == 0 {
			_ = st.append(s, at, float64(c.Value), true) // nothing older is there that could refuse it
		}
	}
}
