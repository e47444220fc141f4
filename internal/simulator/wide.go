package simulator

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"time"
)

// NumFeatures is how many features a Simulator writes.
const NumFeatures = 29

// Wide writes a Simulator's records with further numeric features, so that a record has as many as wanted.
type Wide struct {
	*Simulator
	rng   *rand.Rand
	extra int
}

// NewWide wants features in every record; fewer than the simulator's own means those.
func NewWide(opts Options, features int) *Wide {
	return &Wide{New(opts), rand.New(rand.NewPCG(opts.Seed, 1)), max(features-NumFeatures, 0)}
}

// AppendRecord appends one line.
func (w *Wide) AppendRecord(dst []byte, at time.Time) []byte {
	dst = w.Simulator.AppendRecord(dst, at)
	if w.extra == 0 {
		return dst
	}
	dst = bytes.TrimSuffix(dst, []byte("}}\n"))
	for i := range w.extra {
		dst = append(dst, `,"extra_`...)
		dst = strconv.AppendInt(dst, int64(i), 10)
		dst = append(dst, `":`...)
		dst = strconv.AppendFloat(dst, w.rng.NormFloat64()*float64(i+1), 'f', 3, 64)
	}
	return append(dst, "}}\n"...)
}
