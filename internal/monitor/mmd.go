package monitor

import (
	"fmt"
	"math"
	"slices"

	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/detectors/sequential"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// Numbers that belong together (all numeric features of a record, the elements of an embedding) can change together
// while each looks as ever: a join that went wrong, an encoder of another version. A vector watches the joint
// distribution: random Fourier features turn a record's vector into a few numbers between 0 and 1, whose mean vectors
// differ by the maximum mean discrepancy of a Gaussian kernel, and each of them is a bounded mean with an e-detector.
//
// A reference holds columns, not what they are together. So a vector learns its means from the records that come once
// all columns have their reference, with a reference file too, and watches from then on. Memory: 10 kB and 64 bytes a
// column for each vector.

const (
	// vectorFeatures is how many random features a vector has, and so how many detectors.
	vectorFeatures = 8
	// vectorLearns is how many records the means of the features are learned from.
	vectorLearns = 20_000
	// vectorSigmas is how many standard errors of a learned mean belong to the null interval: 5 % over a hundred columns,
	// and over all features, as for bins.
	vectorSigmas = 4.3
	// vectorTolerance is a change of a feature's mean that is no change.
	vectorTolerance = .02
	// leastVector is how many columns are worth to be looked at together.
	leastVector = 2
	// maxVectors bounds the vectors of a model.
	maxVectors = 8
)

// allNumbers is the label feature of the vector of all numeric features.
const allNumbers = "all numbers"

// vector is one joint distribution that is watched.
type vector struct {
	name    string
	cols    []*column
	fourier *detectors.Fourier
	seed    uint64

	n          uint64 // records learned from
	sum, sumSq [vectorFeatures]float64

	detectors []*vectorDetector // nil while it learns
	open      []vectorBucket    // ascending
	now       *vectorBucket     // that the detectors are fed with; nil for none
	touched   bool              // since the last commit

	values, features []float64 // scratch
}

// vectorBucket is what the detectors need of one bucket that is still open.
type vectorBucket struct {
	index int64
	sums  [vectorFeatures]sequential.Sums
}

// vectorsDue says whether all columns are known and have their reference.
func (in *Instance) vectorsDue() bool {
	if in.evidence.learning || len(in.pending) > 0 {
		return false
	}
	n := 0
	for _, c := range in.cols {
		if c.role == RoleFeature && c.base != nil && c.base.grid != nil {
			n++
		}
	}
	return n >= leastVector
}

// addVectors makes the vectors of the model once no column learns any more.
func (in *Instance) addVectors() {
	in.vectorsMade = true
	numbers := func(wanted func(c *column) bool) (out []*column) {
		for _, c := range in.cols {
			if c.role == RoleFeature && c.base != nil && c.base.grid != nil && wanted(c) {
				out = append(out, c)
			}
		}
		return out[:min(len(out), detectors.MaxFourierDims)]
	}
	for _, path := range in.model.Embeddings {
		in.addVector(path, numbers(func(c *column) bool { return covers(path, c.path) }))
	}
	if in.model.Multivariate {
		in.addVector(allNumbers, numbers(func(c *column) bool {
			return !slices.ContainsFunc(in.model.Embeddings, func(path string) bool { return covers(path, c.path) })
		}))
	}
}

func (in *Instance) addVector(name string, cols []*column) *vector {
	if len(cols) < leastVector || len(in.vectors) >= maxVectors {
		return nil
	}
	o := detectors.FourierOptions{Features: vectorFeatures}
	parts := []string{name}
	for _, c := range cols {
		spread := c.base.grid.IQR()
		if !(spread > 0) {
			spread = c.base.grid.SD()
		}
		o.Center, o.Scale = append(o.Center, c.base.grid.Quantile(c.base.ref.Fine, .5)), append(o.Scale, spread)
		parts = append(parts, c.path, uintText(c.base.hash))
	}
	if in.clients != nil {
		parts = append(parts, "facts") // state from before counted every record: it is another vector's
	}
	o.Seed = hash64(parts...)
	f, err := detectors.NewFourier(o)
	if err != nil {
		in.log.Warn("numbers are not watched together", "vector", name, "error", err)
		return nil
	}
	v := &vector{name: name, cols: cols, fourier: f, seed: o.Seed, values: make([]float64, len(cols)), features: make([]float64, vectorFeatures)}
	in.vectors = append(in.vectors, v)
	return v
}

// observeVectors counts a record into the vectors.
func (in *Instance) observeVectors(rec *parse.Record, p *pane) {
	if !in.vectorsMade {
		if !in.vectorsDue() {
			return
		}
		in.addVectors()
	}
	for _, v := range in.vectors {
		for i, c := range v.cols {
			v.values[i] = math.NaN()
			if uint(c.slot) < uint(len(rec.Values)) {
				if x := &rec.Values[c.slot]; x.Kind == parse.Number || x.Kind == parse.Bool {
					v.values[i] = x.Num
				}
			}
		}
		v.fourier.Map(v.features, v.values)
		v.touched = true
		if v.detectors == nil {
			if v.learn() {
				in.watchVector(v)
			}
			continue
		}
		if p.late {
			continue
		}
		b := v.bucket(floorDiv(p.index*in.paneNs, in.bucketNs))
		for i, d := range v.detectors {
			d.bets.Increments(v.features[i], &b.sums[i])
		}
	}
}

// learn takes the features of a record into the means, and says whether that was enough.
func (v *vector) learn() bool {
	for i, x := range v.features {
		v.sum[i] += x
		v.sumSq[i] += x * x
	}
	v.n++
	return v.n >= vectorLearns
}

// bucket finds the open bucket of that index; there are as many as open panes belong to.
func (v *vector) bucket(index int64) *vectorBucket {
	at := len(v.open)
	for at > 0 && v.open[at-1].index >= index {
		if at--; v.open[at].index == index {
			return &v.open[at]
		}
	}
	v.open = slices.Insert(v.open, at, vectorBucket{index: index})
	return &v.open[at]
}

// watchVector makes the detectors of a vector that has learned.
func (in *Instance) watchVector(v *vector) {
	n := float64(v.n)
	ds := make([]detector, vectorFeatures)
	v.detectors = make([]*vectorDetector, vectorFeatures)
	for i := range ds {
		mean := v.sum[i] / n
		half := vectorSigmas*math.Sqrt(max(0, v.sumSq[i]/n-mean*mean)/n) + vectorTolerance
		d := &vectorDetector{vector: v, feature: i, expected: mean}
		d.mean = sequential.NewMean(sequential.MeanOptions{Lo: max(0, mean-half), Hi: min(1, mean+half), Cap: in.evidence.cap})
		d.bets = d.mean.Bets()
		ds[i], v.detectors[i] = d, d
	}
	in.addStream(streamOptions{feature: v.name, cause: causeDrift, key: "vector " + v.name, detectors: ds})
	in.dirty.columns = true
	in.cache.stale = true
	in.log.Info("numbers are watched together", "vector", v.name, "columns", len(v.cols), "records", v.n)
}

// takeVectors hands the open bucket's sums to the detectors; giveVectors forgets them afterwards.
func (in *Instance) takeVectors() {
	for _, v := range in.vectors {
		v.now = nil
		for i := range v.open {
			if v.open[i].index == in.bucket.index {
				v.now = &v.open[i]
			}
		}
	}
}

func (in *Instance) giveVectors() {
	for _, v := range in.vectors {
		v.now = nil
		v.open = slices.DeleteFunc(v.open, func(b vectorBucket) bool { return b.index <= in.bucket.index })
		v.touched = true
	}
}

// vectorDetector watches the mean of one random feature.
type vectorDetector struct {
	vector   *vector
	feature  int
	expected float64
	mean     sequential.Mean
	bets     sequential.MeanBets
	back     sequential.MeanRecovery
}

func (d *vectorDetector) sums() *sequential.Sums {
	if d.vector.now == nil {
		return &sequential.Sums{}
	}
	return &d.vector.now.sums[d.feature]
}

func (d *vectorDetector) update(*column)              { d.mean.Update(d.sums()) }
func (d *vectorDetector) idle()                       { var none sequential.Sums; d.mean.Update(&none) }
func (d *vectorDetector) logEvidence() float64        { return d.mean.LogEvidence() }
func (d *vectorDetector) alternatives() int           { return d.mean.Components() }
func (d *vectorDetector) reset()                      { d.mean.Reset() }
func (d *vectorDetector) leading() sequential.Leading { return d.mean.Leading() }
func (d *vectorDetector) describe(_ *column, l sequential.Leading) told {
	return told{fmt.Sprintf("joint distribution, projection %d of %d", d.feature+1, vectorFeatures), d.expected, l.Seen}
}
func (d *vectorDetector) recover(*column)                    { d.back.Update(d.sums()) }
func (d *vectorDetector) startRecovery(l sequential.Leading) { d.back = sequential.NewMeanRecovery(l) }
func (d *vectorDetector) recovered() bool                    { return d.back.Recovered() }
func (d *vectorDetector) encode(e *encoder) {
	e.bytes(d.mean.MarshalAppend(nil))
	e.bytes(d.back.MarshalAppend(nil))
}
func (d *vectorDetector) decode(s *stateDecoder) error {
	mean, back := s.bytes(), s.bytes()
	if err := d.mean.Unmarshal(mean); err != nil {
		return err
	}
	return d.back.Unmarshal(back)
}
