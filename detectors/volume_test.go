package detectors

import (
	"math"
	"testing"
)

func TestAnHourThatWasSeenSpeaksForItselfAndOthersAreGuessedWider(t *testing.T) {
	var v Volume
	if _, _, ok := v.Expect(3); ok {
		t.Error("an empty profile expects something")
	}
	v.Add(3, 60, 600, 60*(100+10))
	if lo, hi, ok := v.Expect(3); !ok || lo != 10 || hi != 10 {
		t.Errorf("seen: %v to %v", lo, hi)
	}
	if lo, hi, ok := v.Expect(4); !ok || lo != 2.5 || hi != 40 {
		t.Errorf("not even a night was seen: %v to %v", lo, hi)
	}
	for h := range 48 {
		v.Add(h, 60, float64(60*(10+h%24)), 0)
	}
	if lo, hi, _ := v.Expect(5 + 24*5); lo != 7.5 || hi != 30 {
		t.Errorf("the same hour of two days: %v to %v", lo, hi)
	}
	if v.Lowest() != 10 || v.Hours() != 48 {
		t.Errorf("lowest %v of %d hours", v.Lowest(), v.Hours())
	}
	if d := v.Dispersion(); d < 1 || d > 1.1 {
		t.Errorf("dispersion %v of Poisson counts", d)
	}
}

func TestAProfileOfTrafficForgets(t *testing.T) {
	var v Volume
	v.Add(0, 60, 600, 0)
	for range 8 {
		v.Add(0, 60, 1200, 0)
	}
	if m, _, _ := v.Expect(0); math.Abs(m-20) > 1 {
		t.Errorf("%v after eight weeks of twice the traffic", m)
	}
}

func TestAProfileOfTrafficIsReadBackAndDamageLeavesItAlone(t *testing.T) {
	var v, w Volume
	for h := range HoursOfWeek {
		v.Add(h, 60, float64(h), float64(h*h))
	}
	data := v.AppendBinary(nil)
	if err := w.UnmarshalBinary(data); err != nil || w != v {
		t.Fatalf("%v", err)
	}
	for i := range data {
		u := v
		if u.UnmarshalBinary(data[:i]) == nil || u != v {
			t.Fatalf("cut after %d bytes", i)
		}
	}
}

func FuzzVolumeDecoder(f *testing.F) {
	var v Volume
	v.Add(1, 60, 10, 20)
	f.Add(v.AppendBinary(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		var u Volume
		if u.UnmarshalBinary(data) == nil {
			for h := range HoursOfWeek {
				if lo, hi, ok := u.Expect(h); ok && !(lo >= 0 && hi >= lo) {
					t.Fatalf("hour %d expects %v to %v", h, lo, hi)
				}
			}
		}
	})
}
