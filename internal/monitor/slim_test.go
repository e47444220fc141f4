package monitor

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/plumbline-ml/plumbline/detectors"
)

func TestAClosedSlotComesBackToTheLastBit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var again tally // its memory is used over and over, as in a window
	for range 2000 {
		want := tally{}
		n := rng.IntN(detectors.MaxFineBins + 1)
		scale := math.Pow(2, 45*rng.Float64())
		for range n {
			c := uint64(0)
			switch rng.IntN(8) {
			case 0:
			case 1:
				c = uint64(rng.Float64() * scale * 1000)
			default:
				c = uint64(scale + rng.NormFloat64()*math.Sqrt(scale))
			}
			want.Fine = append(want.Fine, c)
			want.N += c
		}
		for i := range want.Missing {
			want.Missing[i] = rng.Uint64() >> rng.IntN(64)
		}
		want.Repeats, want.unbinned = rng.Uint64()>>8, uint64(rng.IntN(3))
		var of shape
		if rng.IntN(3) > 0 && want.busy() {
			other := want
			if rng.IntN(2) == 0 { // the shape of something else
				other.Fine, other.N = make([]uint64, len(want.Fine)), 1
				other.Fine[rng.IntN(len(want.Fine))] = 1
			}
			of = other.shape()
		}
		e := encoder{}
		want.encodeSlim(&e, of, nil)
		d := &stateDecoder{buf: e.buf}
		again.decodeSlim(d, of, nil)
		if err := d.end(); err != nil {
			t.Fatal(err)
		}
		if len(want.Fine) == 0 {
			again.Fine = nil
		}
		if !reflect.DeepEqual(again, want) {
			t.Fatalf("got\n%+v\nwant\n%+v", again, want)
		}
		for cut := range min(len(e.buf), 20) { // a damaged one is noticed, or read as something; it never panics
			d := &stateDecoder{buf: e.buf[:cut]}
			var x tally
			x.decodeSlim(d, of, nil)
		}
	}
}

// The sums of a number come back with its counts, few or many, also in a window that only takes them away.
func TestTheSumsOfAClosedSlotComeBackToTheLastBit(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	draw := func() float64 { return math.Exp(rng.NormFloat64()) }
	values := make([]float64, 5000)
	for i := range values {
		values[i] = draw()
	}
	g, err := detectors.NewGrid(values, detectors.GridOptions{})
	if err != nil {
		t.Fatal(err)
	}
	c := &column{slot: -1, ageSlot: -1}
	c.ready(newNumberBaseline(g, tally{NumberSummary: *g.Summarize(values)}))
	var again, scratch tally
	for _, n := range []int{0, 1, 30, 1000, 30_000} {
		want := tally{NumberSummary: *g.NewSummary()}
		for range n {
			want.Add(g, 3*draw())
		}
		want.pairs = pairs{2, 9}
		e := encoder{}
		want.encodeSlim(&e, nil, g)
		again.decodeSlim(&stateDecoder{buf: e.buf}, nil, g)
		if !reflect.DeepEqual(again, want) {
			t.Fatalf("%d values: got\n%+v\nwant\n%+v", n, again, want)
		}
		h := newHeld(c)
		h.add(&want)
		h.subSlim(e.buf, nil, &scratch)
		if left := h.view(&tally{}); !left.empty() || left.Dev != 0 || left.DevSq != 0 || left.Wide != [detectors.NumWide]float64{} || slices.Max(left.Fine) != 0 {
			t.Fatalf("%d values: %+v is left", n, left)
		}
	}
}

// 3 MB/s of records in a slot of 150 s: 256 bins of some 3,000 records each.
func TestABusySlotTakesAboutOneByteABin(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	x := tally{}
	for range detectors.MaxFineBins {
		c := uint64(3000 + rng.NormFloat64()*math.Sqrt(3000))
		x.Fine = append(x.Fine, c)
		x.N += c
	}
	plain, slim := encoder{}, encoder{}
	x.encode(&plain)
	x.encodeSlim(&slim, nil, nil)
	if len(slim.buf) > 350 || len(plain.buf) < 512 {
		t.Errorf("a busy slot takes %d bytes, in state %d", len(slim.buf), len(plain.buf))
	}
}

// Rounded values make bins of unequal weight: neighbours say little about each other, the slots before say all but the noise.
func TestABusySlotOfUnequalBinsTakesAboutOneByteABin(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	weights := make([]float64, detectors.MaxFineBins)
	for i := range weights {
		weights[i] = 3000 * (.5 + rng.Float64())
	}
	draw := func() (x tally) {
		for _, mean := range weights {
			c := uint64(mean + rng.NormFloat64()*math.Sqrt(mean))
			x.Fine = append(x.Fine, c)
			x.N += c
		}
		return x
	}
	first, x := draw(), draw()
	by, before := encoder{}, encoder{}
	x.encodeSlim(&by, first.shape(), nil)
	x.encodeSlim(&before, nil, nil)
	if len(by.buf) > 330 || len(before.buf) < 410 {
		t.Errorf("a busy slot takes %d bytes by its shape, %d by the bins before", len(by.buf), len(before.buf))
	}
}
