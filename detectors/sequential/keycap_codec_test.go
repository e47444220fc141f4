package sequential

import "testing"

func TestATableOfClientsGoesOnWhereItStood(t *testing.T) {
	a, _ := NewKeyCap(64, 2)
	b, _ := NewKeyCap(64, 2)
	x := uint64(1)
	for range 300 {
		x = x*6364136223846793005 + 1442695040888963407
		a.Count(x >> 7 % 97 * 0x9e3779b97f4a7c15)
	}
	data := a.MarshalAppend(nil)
	if err := b.Unmarshal(data); err != nil {
		t.Fatal(err)
	}
	for range 300 {
		x = x*6364136223846793005 + 1442695040888963407
		if key := x >> 7 % 97 * 0x9e3779b97f4a7c15; a.Count(key) != b.Count(key) {
			t.Fatal("the table that was read admits others")
		}
	}
	for n := range data {
		if b.Unmarshal(data[:n]) == nil {
			t.Fatalf("%d of %d bytes were taken", n, len(data))
		}
	}
	small, _ := NewKeyCap(16, 2)
	if small.Unmarshal(data) == nil {
		t.Error("a larger table was taken")
	}
}
