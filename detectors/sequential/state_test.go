package sequential

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

// kept is what every detector promises about its state.
type kept interface {
	MarshalAppend([]byte) []byte
	Unmarshal([]byte) error
}

// subject is a detector with a way to feed it one more bucket of pseudo-random data.
type subject struct {
	name  string
	fresh func() kept
	other func() kept // the same type with other options; nil when the options are part of the state
	feed  func(d kept, g *lcg)
}

func subjects(t testing.TB) []subject {
	sets := func(tol float64) func() kept {
		return func() kept {
			s, err := NewSets([]uint64{100, 200, 300, 50, 0, 7}, SetsOptions{Alpha: .05, Tol: tol, Cap: 2, Ordered: true, Extra: 2})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	}
	rate := func(o RateOptions) func() kept {
		return func() kept { r := NewRate(o); return &r }
	}
	mean := func(o MeanOptions) func() kept {
		return func() kept { m := NewMean(o); return &m }
	}
	multinomial := func(tol float64) func() kept {
		return func() kept {
			d, err := NewMultinomial([]uint64{100, 200, 0, 7}, MultinomialOptions{Alpha: .05, Tol: tol, Cap: 2})
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
	}
	trail := func(levels int) func() kept {
		return func() kept {
			d, err := NewTrail(3, 4, levels)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
	}
	return []subject{
		{"rate", rate(RateOptions{Lo: .1, Hi: .2, Cap: 2}), rate(RateOptions{Lo: .1, Hi: .3, Cap: 2}), func(d kept, g *lcg) {
			d.(*Rate).Update(uint64(30*g.float()), uint64(100*g.float()))
		}},
		{"rate with seasons", rate(RateOptions{Varying: true}), rate(RateOptions{Varying: true, Cap: 1}), func(d kept, g *lcg) {
			lo := .3 * g.float()
			d.(*Rate).UpdateWithin(uint64(30*g.float()), uint64(100*g.float()), lo, lo+.1)
		}},
		{"mean", mean(MeanOptions{Lo: .3, Hi: .35, Cap: 2}), mean(MeanOptions{Lo: .3, Hi: .36, Cap: 2}), func(d kept, g *lcg) {
			m := d.(*Mean)
			var s Sums
			for range int(50 * g.float()) {
				m.Increments(g.float()*.7, &s)
			}
			m.Update(&s)
		}},
		{"mean with seasons", mean(MeanOptions{Lo: .3, Hi: .35, Varying: true}), mean(MeanOptions{Lo: .2, Hi: .35}), func(d kept, g *lcg) {
			m := d.(*Mean)
			lo := .2 + .1*g.float()
			m.Retune(lo, lo+.1)
			var s Sums
			for range int(50 * g.float()) {
				m.Increments(g.float()*.7, &s)
			}
			m.Update(&s)
		}},
		{"sets", sets(.01), sets(.02), func(d kept, g *lcg) {
			var counts [6]uint64
			for i := range counts {
				counts[i] = uint64(30 * g.float() * g.float())
			}
			d.(*Sets).Update(counts[:])
		}},
		{"multinomial", multinomial(.01), multinomial(.02), func(d kept, g *lcg) {
			var counts [4]uint64
			for i := range counts {
				counts[i] = uint64(30 * g.float() * g.float())
			}
			d.(*Multinomial).Update(counts[:])
		}},
		{"trail", trail(3), trail(4), func(d kept, g *lcg) {
			d.(*Trail).Add([]uint64{uint64(300 * g.float()), uint64(2 * g.float()), 7})
		}},
		{"recovery", func() kept {
			r := NewRecovery(Leading{Side: Up, Lo: .01, Hi: .02, K: 80, N: 1000, Toward: .05})
			return &r
		}, nil, func(d kept, g *lcg) { d.(*Recovery).Update(uint64(5*g.float()), uint64(100*g.float())) }},
		{"mean recovery", func() kept {
			r := NewMeanRecovery(Leading{Side: Down, Lo: .3, Hi: .4, N: 100, Seen: .2})
			return &r
		}, nil, func(d kept, g *lcg) {
			m := NewMean(MeanOptions{})
			var s Sums
			for range int(20 * g.float()) {
				m.Increments(g.float()*.7, &s)
			}
			d.(*MeanRecovery).Update(&s)
		}},
	}
}

func TestARestoredDetectorGoesOnToTheLastBit(t *testing.T) {
	for _, sub := range subjects(t) {
		g := lcg(7)
		a, b := sub.fresh(), sub.fresh()
		for range 60 {
			sub.feed(a, &g)
		}
		state := a.MarshalAppend([]byte("before"))
		if !bytes.HasPrefix(state, []byte("before")) {
			t.Fatalf("%s: MarshalAppend does not append", sub.name)
		}
		state = state[len("before"):]
		if err := b.Unmarshal(state); err != nil {
			t.Fatalf("%s: %v", sub.name, err)
		}
		h := g
		for range 60 {
			sub.feed(a, &g)
			sub.feed(b, &h)
		}
		if !bytes.Equal(a.MarshalAppend(nil), b.MarshalAppend(nil)) {
			t.Errorf("%s: a restart changed the evidence", sub.name)
		}
	}
}

func TestADamagedStateLeavesTheDetectorUnchanged(t *testing.T) {
	for _, sub := range subjects(t) {
		g := lcg(3)
		d := sub.fresh()
		for range 30 {
			sub.feed(d, &g)
		}
		state := d.MarshalAppend(nil)
		for cut := range state {
			if err := d.Unmarshal(state[:cut]); !errors.Is(err, ErrState) {
				t.Fatalf("%s cut to %d bytes: %v", sub.name, cut, err)
			}
		}
		if err := d.Unmarshal(append(bytes.Clone(state), 0)); !errors.Is(err, ErrState) {
			t.Errorf("%s with a byte too many: %v", sub.name, err)
		}
		if !bytes.Equal(state, d.MarshalAppend(nil)) {
			t.Errorf("%s: a refused state changed the detector", sub.name)
		}
		if sub.other == nil {
			continue
		}
		if err := sub.other().Unmarshal(state); !errors.Is(err, ErrOptions) {
			t.Errorf("%s with other options: %v", sub.name, err)
		}
	}
}

func TestUpdatesAllocateNothing(t *testing.T) {
	r := NewRate(RateOptions{Lo: .1, Hi: .2, Cap: 2})
	v := NewRate(RateOptions{Varying: true})
	m := NewMean(MeanOptions{Lo: .2, Hi: .3})
	s, err := NewSets([]uint64{100, 100, 100}, SetsOptions{Alpha: .05, Ordered: true})
	if err != nil {
		t.Fatal(err)
	}
	rec := NewRecovery(Leading{Hi: .2, K: 50, N: 100})
	mrec := NewMeanRecovery(Leading{Hi: .2, Lo: .1, Seen: .5, N: 10})
	counts := []uint64{1, 2, 3}
	var sums Sums
	if n := testing.AllocsPerRun(100, func() {
		r.Update(3, 10)
		v.UpdateWithin(3, 10, .1, .2)
		m.Increments(.4, &sums)
		m.Update(&sums)
		s.Update(counts)
		rec.Update(1, 10)
		mrec.Update(&sums)
		_ = r.LogEvidence() + v.LogEvidence() + m.LogEvidence() + s.LogEvidence()
		_, _ = s.Leading(), r.Leading()
	}); n != 0 {
		t.Errorf("%v allocations in an update", n)
	}
}

func TestSumsOfABucketRoundTripAndMerge(t *testing.T) {
	m := NewMean(MeanOptions{Lo: .2, Hi: .3})
	g := lcg(11)
	var whole, part, rest Sums
	for i := range 1000 {
		x := g.float() * g.float()
		m.Increments(x, &whole)
		if i%3 == 0 {
			m.Increments(x, &part)
		} else {
			m.Increments(x, &rest)
		}
	}
	var restored Sums
	bets := m.Bets()
	if err := restored.Unmarshal(&bets, part.MarshalAppend(&bets, nil)); err != nil {
		t.Fatal(err)
	}
	rest.Add(&restored)
	if rest.N != whole.N || math.Abs(rest.Sum-whole.Sum) > 1e-9 || math.Abs(rest.SumSq-whole.SumSq) > 1e-9 {
		t.Errorf("merged %d %v, want %d %v", rest.N, rest.Sum, whole.N, whole.Sum)
	}
	for i := range meanBets {
		if a, b := rest.log(i), whole.log(i); math.Abs(a-b) > 1e-9*max(1, math.Abs(b)) {
			t.Errorf("bet %d: merged %v, want %v", i, a, b)
		}
	}
	other := NewMeanBets(MeanOptions{Lo: .2, Hi: .4})
	if err := restored.Unmarshal(&other, part.MarshalAppend(&bets, nil)); !errors.Is(err, ErrOptions) {
		t.Errorf("sums for another interval: %v", err)
	}
}

func FuzzUnmarshal(f *testing.F) {
	subs := subjects(f)
	g := lcg(5)
	for i, sub := range subs {
		d := sub.fresh()
		f.Add(byte(i), d.MarshalAppend(nil))
		for range 20 {
			sub.feed(d, &g)
		}
		f.Add(byte(i), d.MarshalAppend(nil))
	}
	f.Fuzz(func(t *testing.T, which byte, data []byte) {
		sub := subs[int(which)%len(subs)]
		d := sub.fresh()
		before := d.MarshalAppend(nil)
		if d.Unmarshal(data) != nil {
			if !bytes.Equal(before, d.MarshalAppend(nil)) {
				t.Fatal("a refused state changed the detector")
			}
			return
		}
		// What was accepted can be used: a bucket more, and the evidence is a number.
		g := lcg(1)
		sub.feed(d, &g)
		if e, ok := d.(interface{ LogEvidence() float64 }); ok && math.IsNaN(e.LogEvidence()) {
			t.Fatal("evidence is not a number")
		}
		again := sub.fresh()
		if err := again.Unmarshal(d.MarshalAppend(nil)); err != nil {
			t.Fatalf("a state that was accepted and went on is refused: %v", err)
		}
	})
}

func TestACopyOfARateIsIndependentWhenItIsAClone(t *testing.T) {
	for _, o := range []RateOptions{{Lo: .04, Hi: .06}, {Varying: true}} {
		r := NewRate(o)
		r.UpdateWithin(30, 100, .04, .06)
		r.Update(30, 100)
		before, c := r.MarshalAppend(nil), r.Clone()
		c.UpdateWithin(40, 100, .04, .06)
		c.Update(40, 100)
		if after := r.MarshalAppend(nil); !bytes.Equal(before, after) {
			t.Errorf("%+v: what its clone saw has changed it", o)
		}
		if bytes.Equal(before, c.MarshalAppend(nil)) {
			t.Errorf("%+v: the clone took nothing", o)
		}
	}
}
