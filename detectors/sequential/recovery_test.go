package sequential

import "testing"

func rateAlarm() Leading {
	return Leading{Side: Up, Lo: .015, Hi: .025, K: 300, N: 6000, Toward: .05} // 5 % seen, 2.5 % allowed
}

func TestNoDataIsNotRecovery(t *testing.T) {
	r := NewRecovery(rateAlarm())
	m := NewMeanRecovery(Leading{Side: Up, Lo: .2, Hi: .3, Seen: .5, N: 500})
	var none Sums
	for range 100_000 {
		r.Update(0, 0)
		m.Update(&none)
	}
	if r.Recovered() || r.Progress() != 0 || m.Recovered() || m.Progress() != 0 {
		t.Error("silence counted as recovery")
	}
	var zero Recovery
	var zeroMean MeanRecovery
	s := Sums{N: 100, Sum: 1, SumSq: 1}
	zero.Update(0, 1000)
	zeroMean.Update(&s)
	if zero.Recovered() || zeroMean.Recovered() {
		t.Error("the zero value recovered")
	}
}

func TestRecoveryTakesAtLeastFourBuckets(t *testing.T) {
	r := NewRecovery(rateAlarm())
	for b := 1; b <= 4; b++ {
		r.Update(20_000, 1_000_000)
		if got, want := r.Recovered(), b == 4; got != want {
			t.Fatalf("after %d buckets: recovered is %v", b, got)
		}
	}
}

func TestRecoveryOfARate(t *testing.T) {
	for _, c := range []struct {
		name   string
		alarm  Leading
		rate   float64 // afterwards
		within int     // recovered after at most so many buckets of 1000; 0 = never in 2000
	}{
		{"back to normal", rateAlarm(), .02, 20},
		{"back to the edge of what the reference allows", rateAlarm(), .025, 60},
		{"most of the way back", rateAlarm(), .028, 200},
		{"still where it was", rateAlarm(), .05, 0},
		{"worse than it was", rateAlarm(), .2, 0},
		{"fell to nothing and came back", Leading{Side: Down, Lo: .015, Hi: .025, K: 0, N: 6000, Toward: .003}, .02, 20},
		{"fell to nothing and stays", Leading{Side: Down, Lo: .015, Hi: .025, K: 0, N: 6000, Toward: .003}, 0, 0},
		{"rose to everything and stays", Leading{Side: Up, Lo: .015, Hi: .025, K: 6000, N: 6000, Toward: .1}, 1, 0},
	} {
		r := NewRecovery(c.alarm)
		g := lcg(42)
		at := 0
		for b := 1; b <= 2000 && at == 0; b++ {
			k := uint64(0)
			for range 1000 {
				if g.float() < c.rate {
					k++
				}
			}
			r.Update(k, 1000)
			if r.Recovered() {
				at = b
			}
		}
		if c.within == 0 && at != 0 || c.within > 0 && (at == 0 || at > c.within) {
			t.Errorf("%s: recovered after %d buckets, want within %d (0 = never)", c.name, at, c.within)
		}
	}
}

func TestRecoveryFollowsASeason(t *testing.T) {
	r := NewRecovery(rateAlarm())
	// At night twice the rate is normal: what would be an alarm by day is recovery.
	for range 30 {
		r.UpdateWithin(40, 1000, .03, .05)
	}
	if !r.Recovered() {
		t.Error("a normal night did not count as recovery")
	}
}

func TestRecoveryOfAMean(t *testing.T) {
	m := NewMean(MeanOptions{Lo: .18, Hi: .22})
	for _, c := range []struct {
		name   string
		alarm  Leading
		mean   float64
		within int
	}{
		{"back to normal", Leading{Side: Up, Lo: .18, Hi: .22, Seen: .4, N: 1000}, .2, 12},
		{"back to the edge", Leading{Side: Up, Lo: .18, Hi: .22, Seen: .4, N: 1000}, .22, 15},
		{"still where it was", Leading{Side: Up, Lo: .18, Hi: .22, Seen: .4, N: 1000}, .4, 0},
		{"fell and came back", Leading{Side: Down, Lo: .18, Hi: .22, Seen: .05, N: 1000}, .2, 12},
		{"fell and stays", Leading{Side: Down, Lo: .18, Hi: .22, Seen: .05, N: 1000}, .05, 0},
	} {
		r := NewMeanRecovery(c.alarm)
		g := lcg(9)
		at := 0
		for b := 1; b <= 1000 && at == 0; b++ {
			var s Sums
			for range 300 {
				m.Increments(2*c.mean*g.float(), &s)
			}
			r.Update(&s)
			if r.Recovered() {
				at = b
			}
		}
		if c.within == 0 && at != 0 || c.within > 0 && (at == 0 || at > c.within) {
			t.Errorf("%s: recovered after %d buckets, want within %d (0 = never)", c.name, at, c.within)
		}
	}
}
