package main

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/plumbline-ml/plumbline/internal/simulator"
)

// simulated is how many features the simulator writes.
const simulated = 29

// widened writes the simulator's records with further numeric features, so that a record has as many as wanted.
type widened struct {
	*simulator.Simulator
	rng   *rand.Rand
	extra int
}

// widen wants features in every record; fewer than the simulator's own means those.
func widen(opts simulator.Options, features int) *widened {
	return &widened{simulator.New(opts), rand.New(rand.NewPCG(opts.Seed, 1)), max(features-simulated, 0)}
}

// AppendRecord appends one line.
func (w *widened) AppendRecord(dst []byte, at time.Time) []byte {
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
