package monitor

import (
	"math"
	"slices"
	"strconv"

	"github.com/plumbline-ml/plumbline/detectors"
)

func uintText(n uint64) string { return strconv.FormatUint(n, 10) }

func finite(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return 0
	}
	return x
}

// maxStateNames bounds lists inside state, so that a damaged length does not ask for memory.
const maxStateNames = 1 << 20

// restorer reads the sections of one instance. ids maps the numbers that columns had in the state to indices of the
// columns now; a column that is gone or counts differently now maps to noColumn.
type restorer struct {
	in        *Instance
	get       func(string) ([]byte, bool)
	ids       map[uint32]int
	sameShape bool
	rare      map[uint32]rareCounts // of columns that learned their reference here
}

// restore takes over what fits the instance as it is configured now.
func (in *Instance) restore(get func(string) ([]byte, bool)) error {
	r := &restorer{in: in, get: get, ids: map[uint32]int{}}
	d, ok := open(get, in.section("columns"))
	if !ok {
		if data, there := get(in.section("columns")); there && len(data) > 0 {
			return errState // another version's
		}
		return nil
	}
	r.readRebase()
	r.readRare()
	if err := r.columns(d); err != nil {
		return err
	}
	if err := r.seasons(); err != nil {
		return err
	}
	if d, ok := open(get, in.section("learning")); ok {
		if err := r.learning(d); err != nil {
			return err
		}
	}
	if d, ok := open(get, in.section("live")); ok {
		if err := r.live(d); err != nil {
			return err
		}
	}
	if d, ok := open(get, in.section("totals")); ok {
		if err := r.totals(d); err != nil {
			return err
		}
	}
	r.quality()
	if err := r.cuts(); err != nil {
		return err
	}
	if err := r.truth(); err != nil {
		return err
	}
	if !r.sameShape {
		in.log.Warn("pane, bucket or windows were changed: windows and evidence start anew, totals go on")
		r.dropIntervals()
		return nil
	}
	for _, w := range in.windows {
		for i := range w.ring {
			if d, ok := open(get, in.section("window", w.label, strconv.Itoa(i))); ok {
				if err := r.slot(d, w, i); err != nil {
					return err
				}
			}
		}
	}
	r.clients()
	r.vectors()
	if d, ok := open(get, in.section(evidenceSection)); ok {
		return r.suspected(r.evidence(d, nil))
	}
	if d, ok := open(get, in.section("evidence")); ok {
		return r.suspected(r.evidence(d, []string{causeMissing, causeFrozen, causeQuality, causeDrift}))
	}
	return nil
}

func (r *restorer) columns(d *stateDecoder) error {
	in := r.in
	r.sameShape = d.u64() == shapeHash(in.model)
	next := uint32(d.uint())
	fresh := next
	for range d.length(maxStateNames) {
		id, role, path := uint32(d.uint()), d.text(), d.text()
		learned, kind := d.u64(), Kind(d.text())
		ready := d.bool()
		var hash uint64
		var own *baseline
		if ready {
			hash = d.u64()
			if d.bool() {
				if own = decodeBaseline(d); own != nil {
					own.rare = r.rare[id]
				}
			}
		}
		if d.bad {
			break
		}
		r.ids[id] = r.match(id, role, path, learned, kind, ready, hash, own)
	}
	if err := d.end(); err != nil {
		return err
	}
	taken := map[uint32]bool{}
	for id, i := range r.ids {
		if i != noColumn {
			in.cols[i].id = id
			taken[id] = true
		}
	}
	for i, c := range in.cols {
		if !r.restored(i) {
			c.id = fresh
			fresh++
		}
	}
	in.nextID = fresh
	in.dirty.columns = true
	return nil
}

func (r *restorer) restored(i int) bool {
	for _, at := range r.ids {
		if at == i {
			return true
		}
	}
	return false
}

// match finds the column of now that a column of the state is, or noColumn.
func (r *restorer) match(id uint32, role, path string, learned uint64, kind Kind, ready bool, hash uint64, own *baseline) int {
	in := r.in
	i := slices.IndexFunc(in.cols, func(c *column) bool { return c.path == path && c.role == role })
	if i < 0 && role == RoleFeature {
		if f := in.featureFor(path); f != nil && f.Wildcard() {
			if c := in.addFeature(f, path, -1, -1); c != nil {
				i = indexOf(in.cols, c)
			}
		}
	}
	if i < 0 {
		in.log.Info("a column of the saved state is gone; its counts are dropped", "column", path)
		return noColumn
	}
	c := in.cols[i]
	switch {
	case c.base != nil && ready && c.base.hash == hash:
		return i
	case c.base == nil && own != nil && own.hash == hash && in.learnHash(c) == learned:
		c.kind = own.kind
		in.learned(c, own)
		return i
	case c.base == nil && !ready && in.learnHash(c) == learned:
		return i
	}
	in.log.Info("a column counts differently now; its counts start anew", "column", c.name)
	return noColumn
}

func decodeBaseline(d *stateDecoder) *baseline {
	b := &baseline{kind: KindCategory}
	if d.bool() {
		g, err := detectors.UnmarshalGrid(d.bytes())
		if err != nil {
			d.fail()
			return nil
		}
		b.kind, b.grid = KindNumber, g
	} else {
		for range d.length(maxCategoryLimit) {
			b.categories = append(b.categories, d.text())
		}
	}
	b.ref.decode(d)
	b.from, b.until = d.int(), d.int()
	if d.bad || b.grid != nil && len(b.ref.Fine) != b.grid.Fine() || b.grid == nil && len(b.ref.Fine) != len(b.categories)+1 {
		d.fail()
		return nil
	}
	b.finish()
	return b
}

// at is the column that an id of the state means now.
func (r *restorer) at(id uint64) (int, *column) {
	if i, ok := r.ids[uint32(id)]; ok && i != noColumn {
		return i, r.in.cols[i]
	}
	return noColumn, nil
}

func (r *restorer) totals(d *stateDecoder) error {
	in := r.in
	for range d.length(maxStateNames) {
		_, c := r.at(d.uint())
		var t totals
		var b bucketColumn
		t.hist = d.counts(nil, detectors.MaxFineBins+maxCategoryLimit)
		t.sum = d.float()
		for i := range t.missing {
			t.missing[i] = d.uint()
		}
		b.counts = d.counts(nil, detectors.MaxFineBins+maxCategoryLimit)
		b.present, b.missing, b.repeats = d.uint(), d.uint(), d.uint()
		if c == nil || d.bad {
			continue
		}
		if len(t.hist) == len(c.total.hist) {
			c.total = t
		}
		if len(b.counts) == len(c.bucket.counts) {
			c.bucket = b
		}
	}
	in.bucket = bucketState{open: d.bool(), index: d.int(), records: d.uint()}
	if d.bool() {
		sums := d.bytes()
		if m := in.evidence.mean; m != nil {
			m.with = *m.betsAt(in.seasonMinute(in.bucket.index * in.bucketNs))
			if err := m.sums.Unmarshal(&m.with, sums); err != nil {
				in.log.Info("the score's detector is another one now; its open bucket starts anew")
			}
		}
	}
	if r.sameShape {
		for _, w := range in.windows {
			w.started, w.newest = d.bool(), d.int()
		}
		return d.end()
	}
	if d.bad {
		return errState
	}
	return nil
}

func (r *restorer) live(d *stateDecoder) error {
	in := r.in
	in.counts.late, in.counts.future, in.counts.untimed = d.uint(), d.uint(), d.uint()
	for i := range in.counts.dropped {
		in.counts.dropped[i] = d.uint()
	}
	in.newest, in.lastArrival, in.closedUntil = d.int(), d.int(), d.int()
	v := &in.versions
	v.none, v.other = d.uint(), d.uint()
	for range d.length(maxVersions) {
		v.named = append(v.named, &versionCount{name: d.text(), n: d.uint(), recent: d.uint()})
	}
	v.current, v.changed = d.text(), d.int()
	v.pending = map[uint64]uint64{}
	for range d.length(maxPendingVersions) {
		h := d.u64()
		v.pending[h] = d.uint()
	}
	for range d.length(maxStateNames) {
		_, c := r.at(d.uint())
		hasLast, last, good := d.bool(), d.u32(), d.int()
		if c != nil {
			c.hasLast, c.last, c.lastGood = hasLast, last, good
		}
	}
	in.restoredPending = map[uint64]uint64{}
	for range d.length(maxStateNames) {
		h := d.u64()
		in.restoredPending[h] = d.uint()
	}
	for range d.length(maxStateNames) {
		index := d.int()
		if d.bad {
			break
		}
		if err := r.pane(index); err != nil {
			return err
		}
	}
	return d.end()
}

func (r *restorer) pane(index int64) error {
	in := r.in
	name := in.section("pane", strconv.FormatInt(index, 10))
	d, ok := open(r.get, name)
	if !ok {
		return errState
	}
	if d.int() != index {
		return errState
	}
	p := in.panes.find(index, in.cols)
	in.growCuts(p)
	in.growTruth(p)
	p.records, p.late = d.uint(), d.bool()
	for range d.length(maxStateNames) {
		id := d.uint()
		var t tally
		t.decode(d)
		i, c := r.at(id)
		if c == nil || d.bad {
			continue
		}
		if len(t.Fine) != 0 && len(t.Fine) != c.bins() {
			return errState
		}
		n := c.bins()
		p.cols[i] = t
		if n > 0 && len(t.Fine) == 0 {
			p.cols[i].grow(n)
		}
		p.cols[i].track()
	}
	p.grow(in.cols)
	if d.bool() {
		sums := d.bytes()
		if m := in.evidence.mean; m != nil {
			in.bet(p)
			if p.sums.Unmarshal(&p.bets, sums) != nil {
				p.sums.Reset()
			}
		}
	}
	if in.dirty.written == nil {
		in.dirty.written = map[int64]bool{}
	}
	in.dirty.written[index] = true
	return d.end()
}

func (r *restorer) slot(d *stateDecoder, w *window, at int) error {
	in := r.in
	index, records := d.int(), d.uint()
	s := w.at(index)
	if s != &w.ring[at] || index > w.newest || index <= w.newest-int64(w.slots) {
		return nil // an older generation of the slot: the window has moved on
	}
	*s = slot{of: w, index: index, used: true, open: index == w.newest, records: records}
	for i := len(w.running); i < len(in.cols); i++ {
		w.running = append(w.running, newHeld(in.cols[i]))
	}
	w.records += records
	var packed [][]byte
	for range d.length(maxStateNames) {
		i, c := r.at(d.uint())
		data := d.bytes()
		if c == nil || len(data) == 0 || d.bad {
			continue
		}
		var t tally
		inner := &stateDecoder{buf: data}
		t.decode(inner)
		if inner.end() != nil || len(t.Fine) != 0 && len(t.Fine) != c.bins() {
			return errState
		}
		w.running[i].add(&t)
		s.peak(i, t.ages)
		if s.open {
			for len(s.cols) <= i {
				s.cols = append(s.cols, newHeld(in.cols[len(s.cols)]))
			}
			s.cols[i].add(&t)
			continue
		}
		for len(packed) <= i {
			packed = append(packed, nil)
		}
		e := encoder{}
		t.encodeSlim(&e, w.shape(i, &t), w.running[i].grid)
		packed[i] = e.buf
	}
	if !s.open {
		ends := make([]uint32, len(packed))
		all := (*w.buf)[:0]
		for i, p := range packed {
			all = append(all, p...)
			ends[i] = uint32(len(all))
		}
		s.packed.set(ends, all)
		*w.buf = all
	}
	return d.end()
}

// dropIntervals moves what stands in open panes into the totals and forgets windows and buckets.
func (r *restorer) dropIntervals() {
	in := r.in
	in.dropCutIntervals()
	in.dropTruthIntervals()
	for len(in.panes.open) > 0 {
		p := in.panes.open[0]
		for i, c := range in.cols {
			if i < len(p.cols) {
				c.fold(&p.cols[i])
			}
		}
		in.dirty.closed(p.index)
		in.panes.release()
	}
	for _, c := range in.cols {
		c.bucket.reset()
	}
	if in.evidence.mean != nil {
		in.evidence.mean.resetSums()
	}
	if in.unreadable != nil {
		in.unreadable.bucket = 0
	}
	in.bucket = bucketState{}
	in.dirty.totals, in.dirty.detectors, in.dirty.live = true, true, true
}
