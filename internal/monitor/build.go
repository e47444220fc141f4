package monitor

import (
	"fmt"
	"log/slog"
	"math"
	"strconv"
	"time"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

// exactValues is how many values of a column the builder holds before it goes over to a sketch.
const exactValues = 1_000_000

// ReferenceBuilder makes a reference out of records that are read once. It holds up to a million values of each
// numeric column, then a sketch; it belongs to one goroutine.
type ReferenceBuilder struct {
	in      *Instance
	records uint64
	from    int64
	until   int64
	volume  volumeCounter

	segments []*segmentBuilder
}

// NewReferenceBuilder starts a reference for a model. reference.from and reference.until of the model bound the
// event times that are taken.
func NewReferenceBuilder(m *Model) (*ReferenceBuilder, error) {
	learning := *m
	learning.Reference = ReferenceConfig{Records: math.MaxUint64, From: m.Reference.From, Until: m.Reference.Until, Exclude: m.Reference.Exclude, Flat: m.Reference.Flat}
	in, err := newInstance(&learning, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	in.wildFrom = 1
	b := &ReferenceBuilder{in: in}
	for _, c := range in.cuts {
		if !c.replica {
			b.segments = append(b.segments, &segmentBuilder{cut: c, values: map[string]*segmentCounts{}})
		}
	}
	return b, nil
}

// Plan is what the parser must be made from.
func (b *ReferenceBuilder) Plan() *parse.Plan { return b.in.plan }

// Observe takes one record.
func (b *ReferenceBuilder) Observe(rec *parse.Record) {
	event := b.in.eventTime(rec, 0)
	b.in.newest = max(b.in.newest, event)
	b.in.lookAt(rec, b.in.plan.Slots())
	wanted := true
	for i, c := range b.in.cols {
		if i == 0 {
			wanted = c.learn.wants(event)
		}
		v := &absent
		if uint(c.slot) < uint(len(rec.Values)) {
			v = &rec.Values[c.slot]
		}
		if l := c.learn; l.records == 0 && l.number != nil {
			l.number.limit = exactValues
		}
		var t tally
		c.observe(&t, v, event)
		c.learn.count(event)
	}
	b.in.pairUp(rec, event, func(i int, same bool) {
		if wanted {
			b.in.cols[i].pairs.add(same)
		}
	})
	if !wanted {
		return
	}
	if t := b.in.truth; t != nil {
		if !t.separate(rec) {
			t.observe(b.pane(), rec, event)
		} else {
			t.take(rec, &rec.Values[b.in.at.truth], b.in.at.truthID, time.Time{})
		}
	}
	for _, s := range b.segments {
		var label []byte
		if l := b.in.label; l != nil && uint(l.slot) < uint(len(rec.Values)) {
			label, _ = l.category(&rec.Values[l.slot])
		}
		s.observe(rec, label)
	}
	if b.records == 0 {
		b.from, b.until = event, event
	}
	b.records++
	b.volume.count(event, b.in.bucketNs)
	b.from, b.until = min(b.from, event), max(b.until, event)
}

// Reference returns what was learned. Columns that were seen too rarely to be named are left out, and so are those
// without any usable value.
func (b *ReferenceBuilder) Reference() (*Reference, error) {
	m := b.in.model
	if b.records == 0 {
		return nil, fmt.Errorf("build reference of %s: no record was read", m.Name)
	}
	r := &Reference{Version: 1, Model: m.Name, Records: b.records, Hash: strconv.FormatUint(fieldsHash(m), 16)}
	from, until := time.Unix(0, b.from).UTC(), time.Unix(0, b.until).UTC()
	if b.in.counts.untimed < b.records {
		r.From, r.Until = &from, &until
		r.Volume = b.volume.volume(m.Bucket)
	}
	for _, c := range b.in.cols {
		base := c.learn.baseline(c, m)
		if base == nil || b.in.isWild(c) && base.ref.N < m.MinCategoryCount {
			continue
		}
		if seen := base.ref.seen(); seen < b.records {
			// The records before a wildcard met the column did not have it.
			base.ref.Missing[missingNumber(parse.Absent)] += b.records - seen
		}
		r.Columns = append(r.Columns, newReferenceColumn(c, base))
	}
	for _, s := range b.segments {
		s.append(r, m)
	}
	if t := b.in.truth; t != nil {
		for _, p := range b.in.panes.open {
			t.total.add(&p.truth)
		}
		r.Performance = t.reference()
	}
	if len(r.Columns) == 0 {
		return nil, fmt.Errorf("build reference of %s: none of the fields that the model asks for has a usable value in %d records", m.Name, b.records)
	}
	return r, nil
}

// isWild says whether a column came from a wildcard.
func (in *Instance) isWild(c *column) bool { return c.config != nil && c.config.Wildcard() }

// pane is where truths are counted while a reference is built: one for everything.
func (b *ReferenceBuilder) pane() *pane { return b.in.pane(1) }
