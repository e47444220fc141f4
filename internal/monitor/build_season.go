package monitor

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

// SeasonBuilder adds to a reference what is normal at each time of the week. It needs the records a second time,
// because the bins are known only when all of them were seen, and in any order, because files of several nodes overlap.
// It holds the counts of each half hour of at most 366 days, by parts of five minutes and in the bytes of the state but
// for those that are being filled; it belongs to one goroutine.
type SeasonBuilder struct {
	in    *Instance
	ref   *Reference
	first int64 // index of the first half hour that is kept
	halfs map[int64]*builtHalfHour
	open  []int64 // half hours that are not packed, the one that was used last at the end

	Unstable []string // columns that differ more from week to week than any slack explains; they get no season
}

// Seasonal says whether the reference covers enough time for a season, so that the records should be read again.
func (b *ReferenceBuilder) Seasonal() bool {
	return b.records > 0 && b.in.counts.untimed == 0 && !b.in.model.Reference.Flat && b.until-b.from >= seasonDays*int64(24*time.Hour)
}

// Seasons starts the second reading. ref is what Reference returned.
func (b *ReferenceBuilder) Seasons(ref *Reference) (*SeasonBuilder, error) {
	m := b.in.model
	in, err := newInstanceWith(m, ref, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	s := &SeasonBuilder{in: in, ref: ref, halfs: map[int64]*builtHalfHour{}}
	s.first = floorDiv(b.until, in.unitNs()) - maxHalfHours + 1
	return s, nil
}

// Plan is what the parser must be made from.
func (s *SeasonBuilder) Plan() *parse.Plan { return s.in.plan }

// Observe takes one record.
func (s *SeasonBuilder) Observe(rec *parse.Record) {
	in := s.in
	event := in.eventTime(rec, 0)
	in.newest = max(in.newest, event)
	in.lookAt(rec, in.plan.Slots())
	r := &in.model.Reference
	if r.excludes(event) || !r.From.IsZero() && event < r.From.UnixNano() || !r.Until.IsZero() && event >= r.Until.UnixNano() {
		return
	}
	half := floorDiv(event, in.unitNs())
	if half < s.first {
		return
	}
	h := s.at(half)
	for i, c := range in.cols {
		if c.base == nil {
			continue
		}
		v := &absent
		if uint(c.slot) < uint(len(rec.Values)) {
			v = &rec.Values[c.slot]
		}
		bin, hash := c.place(v)
		part := h.cols[i].at(event-half*in.unitNs(), in.bucketNs, c.buckets())
		part.count(c, bin, bin >= 0 && c.hasLast && c.last == hash)
		if bin >= 0 {
			c.last, c.hasLast = hash, true
		}
		if c.isScore && v.Kind == parse.Number {
			x := min(max(v.Num, 0), 1)
			part.moments.add(moments{1, x, x * x})
		}
	}
}

// Finish learns the season of every column of the reference.
func (s *SeasonBuilder) Finish() error {
	order := slices.Sorted(maps.Keys(s.halfs))
	for len(s.open) > 0 {
		s.pack()
	}
	for i, c := range s.in.cols {
		rc := s.ref.find(c.role, c.path, c.name)
		if c.base == nil || rc == nil {
			continue
		}
		var ref []halfHourCounts
		for _, half := range order {
			ref = append(ref, s.halfHour(i, half)...)
		}
		season, err := s.in.fitSeason(c, ref, 0)
		if err != nil {
			return err
		}
		if season.Bins != nil {
			season.Days = season.Bins.Days
		} else if season.Missing != nil {
			season.Days = season.Missing.Days
		}
		if season.Unstable {
			// What never repeats itself is no season: the file is taken as one sample, as it would be without times.
			s.Unstable = append(s.Unstable, rc.Name)
			continue
		}
		rc.Season, rc.made, s.ref.Version = season, nil, referenceVersion
	}
	return nil
}
