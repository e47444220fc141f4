package monitor

import "strconv"

// vectorSections appends the vectors that changed, a section each: what they learned and their open buckets. Evidence stands
// with that of all streams.
func (in *Instance) vectorSections(add func(name string, encode func(*encoder))) {
	for i, v := range in.vectors {
		if v.touched || in.dirty.columns {
			add(in.section("vector", strconv.Itoa(i)), v.encode)
			v.touched = false
		}
	}
}

// vectorNames are the names of these sections.
func (in *Instance) vectorNames(names map[string]bool) {
	for i := range maxVectors {
		names[in.section("vector", strconv.Itoa(i))] = true
	}
}

// vectors restores them, before the evidence of their streams is. A vector over other columns, or of other
// references, starts anew.
func (r *restorer) vectors() {
	in := r.in
	if len(in.model.Embeddings) == 0 && !in.model.Multivariate || in.vectorsMade {
		return
	}
	var states []*stateDecoder
	for i := range maxVectors {
		if d, ok := open(r.get, in.section("vector", strconv.Itoa(i))); ok {
			states = append(states, d)
		}
	}
	if len(states) == 0 {
		return
	}
	in.addVectors()
	for _, d := range states {
		seed := d.u64()
		for _, v := range in.vectors {
			if v.seed == seed && v.n == 0 && !v.decode(in, d) {
				v.n, v.sum, v.sumSq = 0, [vectorFeatures]float64{}, [vectorFeatures]float64{}
			}
		}
	}
}

func (v *vector) encode(e *encoder) {
	e.u64(v.seed)
	e.uint(v.n)
	for i := range v.sum {
		e.float(v.sum[i])
		e.float(v.sumSq[i])
	}
	e.uint(uint64(len(v.open)))
	for i := range v.open {
		e.int(v.open[i].index)
		for f, d := range v.detectors {
			e.bytes(v.open[i].sums[f].MarshalAppend(&d.bets, nil))
		}
	}
}

// decode reads what encode wrote after the seed, and reports whether that could be used.
func (v *vector) decode(in *Instance, d *stateDecoder) bool {
	v.n = d.uint()
	for i := range v.sum {
		v.sum[i], v.sumSq[i] = d.float(), d.float()
	}
	if d.bad || v.n > vectorLearns {
		return false
	}
	if v.n == vectorLearns {
		in.watchVector(v)
	}
	for range d.length(maxStateNames) {
		b := vectorBucket{index: d.int()}
		for f, det := range v.detectors {
			if data := d.bytes(); b.sums[f].Unmarshal(&det.bets, data) != nil {
				b.sums[f].Reset()
			}
		}
		if d.bad || len(v.detectors) == 0 {
			break
		}
		v.open = append(v.open, b)
	}
	return true
}
