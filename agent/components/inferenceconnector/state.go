package inferenceconnector

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/agent/components/internal/state"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/parse"
	"github.com/plumbline-ml/plumbline/internal/requests"
	"github.com/plumbline-ml/plumbline/internal/snapshot"
)

const (
	countsSection = "inference/counts"
	// prefix sets the reasons of this connector apart from those of inference_log, whose series have the same labels.
	prefix        = "otlp_"
	reasonNoModel = prefix + "no_model" // no attribute names a model, or none of that name is configured
	reasonShape   = prefix + "shape"    // a body that is neither a map nor text
	formatOTLP    = "otlp"              // label of well-formed records that carry no prediction
)

// counts are the totals of the connector itself. They survive restarts with everything else.
type counts struct {
	Start   time.Time         `json:"start"`
	Errors  map[string]uint64 `json:"errors"` // by reason; a closed set
	Ignored uint64            `json:"ignored"`
}

func newCounts(start time.Time) counts {
	c := counts{Start: start, Errors: map[string]uint64{reasonNoModel: 0, reasonShape: 0}}
	for _, r := range parse.Reasons() {
		c.Errors[prefix+r] = 0
	}
	return c
}

func (c *counts) collect(b *catalog.Batch) {
	for _, reason := range slices.Sorted(maps.Keys(c.Errors)) {
		b.Add(catalog.ParseErrors, float64(c.Errors[reason]), reason)
	}
	b.Add(catalog.LinesIgnored, float64(c.Ignored), formatOTLP)
}

// restore opens the state and puts the engine where the last commit left it.
func (c *core) restore() error {
	c.counts = newCounts(time.Now())
	if c.config.StateDir == "" {
		return nil
	}
	store, report, err := snapshot.Open(state.Dir(c.config.StateDir, c.set.ID), "inference", snapshot.Options{})
	if err != nil {
		return fmt.Errorf(`open state (key "state_dir"): %w`, err)
	}
	c.store = store
	c.asked = requests.New(state.Dir(c.config.StateDir, c.set.ID), c.log)
	if len(report.Recovered) > 0 {
		c.log.Warn("state was damaged and recovered from an earlier commit", "reasons", strings.Join(report.Recovered, ","))
	}
	if data, ok := store.Section(countsSection); ok {
		var saved counts
		if err := json.Unmarshal(data, &saved); err == nil {
			c.counts.Start, c.counts.Ignored = saved.Start, saved.Ignored
			for reason, n := range saved.Errors {
				if _, known := c.counts.Errors[reason]; known {
					c.counts.Errors[reason] = n
				}
			}
		}
	}
	return c.engine.Restore(store.Names(), store.Section)
}

// commit writes what changed. The store keeps what a failed commit was given for the next one. The caller holds mu.
func (c *core) commit() error {
	if c.store == nil {
		return nil
	}
	changed, removed := c.engine.Sections()
	sections := make([]snapshot.Section, 0, len(changed)+1)
	for _, s := range changed {
		sections = append(sections, snapshot.Section(s))
	}
	data, err := json.Marshal(c.counts)
	if err != nil {
		return err
	}
	return c.store.Commit(append(sections, snapshot.Section{Name: countsSection, Data: data}), removed)
}
