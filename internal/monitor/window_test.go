package monitor

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// testColumn is a category column with three named categories.
func testColumn() *column {
	c := &column{slot: -1, ageSlot: -1}
	c.ready(newCategoryBaseline(map[string]uint64{"a": 30, "b": 20, "c": 10}, 5, nil, 0, 50, tally{}))
	return c
}

// TestAWindowIsTheSumOfItsSlots slides windows of many shapes over random panes, some of them late and some after long
// gaps, and compares with adding up everything that lies in the window. Every now and then slots are written and
// read again as a restart does.
func TestAWindowIsTheSumOfItsSlots(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, length := range []time.Duration{time.Second, 10 * time.Second, 60 * time.Second, 100 * time.Second, time.Hour} {
		cols := []*column{testColumn(), testColumn()}
		w := newWindow(length, time.Second)
		if w.slots > maxSlots || time.Duration(w.slots)*time.Duration(w.width)*time.Second < length {
			t.Fatalf("%v: %d slots of %d panes", length, w.slots, w.width)
		}
		type counted struct {
			slot    int64
			records uint64
			fine    [2][4]uint64
		}
		var all []counted
		index := int64(1000)
		for range 2000 {
			switch rng.IntN(40) {
			case 0:
				index += int64(rng.IntN(3 * int(w.width) * w.slots))
			default:
				index += int64(rng.IntN(2))
			}
			at := index
			if rng.IntN(5) == 0 {
				at -= int64(rng.IntN(int(w.width)*w.slots + 3))
			}
			p := &pane{index: at}
			p.grow(cols)
			k := counted{slot: w.slotOf(at)}
			for range rng.IntN(4) {
				p.records++
				k.records++
				for i := range cols {
					b := rng.IntN(4)
					p.cols[i].Fine[b]++
					p.cols[i].N++
					p.cols[i].touch(b)
					k.fine[i][b]++
				}
			}
			all = append(all, k)
			w.fold(p, cols)

			var records uint64
			var fine [2][4]uint64
			for _, k := range all {
				if k.slot > w.newest-int64(w.slots) && k.slot <= w.newest {
					records += k.records
					for i := range fine {
						for b := range fine[i] {
							fine[i][b] += k.fine[i][b]
						}
					}
				}
			}
			if w.records != records {
				t.Fatalf("%v: %d records, want %d", length, w.records, records)
			}
			for i := range fine {
				if !slices.Equal(w.running[i].view(&tally{}).Fine, fine[i][:]) {
					t.Fatalf("%v, column %d: %v, want %v", length, i, w.running[i].view(&tally{}).Fine, fine[i])
				}
			}
		}
	}
}

func TestAWindowOfATenthOfADayHasAtMost24Slots(t *testing.T) {
	for _, c := range []struct {
		length, pane time.Duration
		slots        int
		width        int64
	}{
		{10 * time.Minute, 10 * time.Second, 20, 3},
		{time.Hour, 10 * time.Second, 24, 15},
		{24 * time.Hour, 10 * time.Second, 24, 360},
		{7 * 24 * time.Hour, time.Hour, 24, 7},
		{time.Second, time.Second, 1, 1},
	} {
		if w := newWindow(c.length, c.pane); w.slots != c.slots || w.width != c.width {
			t.Errorf("%v of %v: %d slots of %d panes", c.length, c.pane, w.slots, w.width)
		}
	}
}
