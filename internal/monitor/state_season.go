package monitor

import (
	"errors"
	"slices"
	"strconv"
)

// seasonSections appends the state of references that know the time of the week or that grow: the season when it was
// renewed, the half hours when one was closed, and what the open one holds with every bucket.
func (in *Instance) seasonSections(add func(name string, encode func(*encoder)), all bool) {
	growing := false
	if len(in.acceptances) > 0 && all {
		add(in.section("accepted"), func(e *encoder) {
			e.uint(uint64(len(in.acceptances)))
			for _, id := range in.acceptances {
				e.text(id)
			}
		})
	}
	for _, c := range in.cols {
		id := strconv.FormatUint(uint64(c.id), 10)
		if c.ownSeason() && (c.seasonDirty || all) {
			add(in.section("season", id), func(e *encoder) {
				e.bytes(c.season.data)
				e.bool(c.watched)
				e.bool(c.anchor != nil)
				if c.anchor != nil {
					e.bytes(c.anchor.data)
					e.float(c.anchorKappa)
				}
				e.bool(c.accepted != nil)
				if c.accepted != nil {
					c.accepted.encode(e)
				}
			})
			c.seasonDirty = false
		}
		if g := c.grow; g != nil {
			growing = true
			if g.dirty || all {
				add(in.section("history", id), func(e *encoder) {
					e.uint(uint64(g.n))
					e.bytes(g.packed)
				})
				g.dirty = false
			}
		}
	}
	if growing && (all || in.dirty.detectors || in.dirty.totals) || !growing && in.grew {
		// Once more when the last one is whole, so that the section says so.
		add(in.section("growing"), in.encodeGrowing)
		add(in.section("parts"), in.encodeParts)
		in.grew = growing
	}
}

// ownSeason says whether the column's season came about here, not in a file.
func (c *column) ownSeason() bool {
	return c.season != nil && (c.base == nil || c.season != c.base.season)
}

func (in *Instance) encodeGrowing(e *encoder) {
	e.uint(uint64(len(in.cols)))
	for _, c := range in.cols {
		e.uint(uint64(c.id))
		e.bool(c.grow != nil)
		if g := c.grow; g != nil {
			e.int(g.began)
			e.int(g.until)
			e.int(g.next)
			e.bool(g.started)
			e.int(g.half)
			e.bool(g.open.drop)
			g.open.encode(e)
			g.total.encode(e)
			c.growing.encode(e)
		}
	}
}

// encodeParts writes the parts of the open half hours. They came later than the section of what grows, and state without
// them is whole: its open half hour is not split.
func (in *Instance) encodeParts(e *encoder) {
	e.uint(uint64(len(in.cols)))
	for _, c := range in.cols {
		e.uint(uint64(c.id))
		e.bool(c.grow != nil)
		if g := c.grow; g != nil {
			g.parts.encode(e)
		}
	}
}

func (r *restorer) parts() error {
	d, ok := open(r.get, r.in.section("parts"))
	if !ok {
		return nil
	}
	for range d.length(maxStateNames) {
		_, c := r.at(d.uint())
		if !d.bool() {
			continue
		}
		p := decodeParts(d)
		if d.bad || c == nil || c.grow == nil || !c.grow.started {
			continue
		}
		if !slices.ContainsFunc(p, func(h halfHourCounts) bool { return len(h.counts) != c.buckets() }) {
			c.grow.parts = p
		}
	}
	return d.end()
}

// seasons restores what seasonSections wrote.
func (r *restorer) seasons() error {
	in := r.in
	if d, ok := open(r.get, in.section("accepted")); ok {
		for range d.length(maxAcceptances) {
			in.acceptances = append(in.acceptances, d.text())
		}
		if err := d.end(); err != nil {
			return err
		}
	}
	for i, c := range in.cols {
		// The column has the id of the state already.
		d, ok := open(r.get, in.section("season", strconv.FormatUint(uint64(c.id), 10)))
		if !ok || c.base == nil || !r.restored(i) {
			continue
		}
		data := append([]byte(nil), d.bytes()...)
		s, err := decodeSeason(data)
		if err != nil {
			return err
		}
		var anchor *season
		anchorKappa := 0.
		watched := d.bool()
		if d.bool() {
			if anchor, err = decodeSeason(append([]byte(nil), d.bytes()...)); err != nil {
				return err
			}
			anchorKappa = d.float()
		}
		var acc *accepted
		if d.bool() {
			acc = decodeAccepted(d)
		}
		if err := d.end(); err != nil {
			return err
		}
		if err := s.check(c, in); err != nil || c.season == nil && acc == nil {
			in.log.Info("the season of a column is another one now; it starts anew", "column", c.name)
			continue
		}
		varied := c.season != nil
		c.season, c.accepted = s.pack(), acc
		if !varied {
			in.restream(c)
		}
		if watched && !c.watched {
			c.watched = true
			in.addStreams(c)
		}
		if anchor != nil && c.grow != nil && c.grow.span > 0 && anchor.check(c, in) == nil {
			c.anchor, c.anchorKappa = anchor.pack(), anchorKappa
		}
	}
	in.reseason()
	for _, c := range in.cols {
		if c.anchor != nil {
			in.addAnchor(c)
		}
	}
	d, ok := open(r.get, in.section("growing"))
	if !ok {
		for _, i := range r.ids {
			if i != noColumn {
				in.cols[i].grow, in.cols[i].growing = nil, nil
			}
		}
		return nil
	}
	in.grew = true
	for range d.length(maxStateNames) {
		id := d.uint()
		_, c := r.at(id)
		if !d.bool() {
			if c != nil && c.grow != nil && !d.bad {
				c.grow, c.growing = nil, nil // it is final
			}
			continue
		}
		g := growth{began: d.int(), until: d.int(), next: d.int(), started: d.bool(), half: d.int()}
		g.open.drop = d.bool()
		g.open.decode(d)
		g.total.decode(d)
		var growing tally
		growing.decode(d)
		if d.bad || c == nil || c.grow == nil || len(g.open.counts) != c.buckets() {
			continue
		}
		g.span, g.unit, g.bucket = c.grow.span, c.grow.unit, c.grow.bucket
		if h, ok := open(r.get, in.section("history", strconv.FormatUint(id, 10))); ok {
			g.n = h.length(maxHalfHours + 1)
			g.packed = append([]byte(nil), h.bytes()...)
			if err := h.end(); err != nil {
				return err
			}
		}
		c.grow, c.growing = &g, &growing
	}
	return errors.Join(d.end(), r.parts())
}

// seasonNeeded adds the names of the sections that seasonSections writes.
func (in *Instance) seasonNeeded(names map[string]bool) {
	names[in.section("growing")], names[in.section("parts")], names[in.section("accepted")] = true, true, true
	for _, c := range in.cols {
		id := strconv.FormatUint(uint64(c.id), 10)
		if c.ownSeason() {
			names[in.section("season", id)] = true
		}
		if c.grow != nil {
			names[in.section("history", id)] = true
		}
	}
}
