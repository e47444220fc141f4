package detectors

import (
	"encoding/binary"
	"testing"
)

// oldGrid is a grid as it was before bins shared sums, through its encoding of that time.
func oldGrid(t *testing.T, g *Grid) *Grid {
	t.Helper()
	spec := g.Spec()
	spec.SumEnds = nil
	plain, err := GridFromSpec(spec)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := plain.MarshalBinary()
	data[0] = 1
	old, err := UnmarshalGrid(data[:len(data)-1]) // version 1 had no number of groups at its end
	if err != nil {
		t.Fatal(err)
	}
	return old
}

func TestAGridFromBeforeBinsSharedSumsGoesOnAsItWas(t *testing.T) {
	for i, f := range families {
		ref := sample(uint64(i), 20000, f.draw)
		old := oldGrid(t, mustGrid(t, ref))
		sums := map[uint8]int{}
		for b, w := range old.wideOf {
			if w == noWide {
				continue
			}
			if sums[w]++; w >= oldWide || sums[w] > 1 || old.groups[w].point != 0 {
				t.Fatalf("%s: bin %d adds to sum %d, around %v", f.name, b, w, old.groups[w].point)
			}
		}
		cur := sample(uint64(i)+9, 2000, f.draw)
		for k := range cur {
			cur[k] += old.spec.spread() / 2
		}
		sorted, _ := finiteSorted(cur)
		reference, _ := finiteSorted(ref)
		p := newPair(reference, sorted)
		w1, _ := p.distances()
		near(t, f.name+" w1", DescribeNumber(old, old.Summarize(ref), old.Summarize(cur)).Wasserstein1, w1, .04, 0)
	}
}

func TestASummaryOfVersion1IsRead(t *testing.T) {
	want := NumberSummary{Fine: []uint64{3, 4}, N: 7, Dev: 1.5, DevSq: 2.25, Repeats: 5}
	want.Wide[0], want.Wide[oldWide-1], want.Missing[MissingNaN] = .5, -2, 9
	data := AppendCounts([]byte{1, 2}, want.Fine)
	data = appendFloat(appendFloat(data, want.Dev), want.DevSq)
	for _, v := range want.Wide[:oldWide] {
		data = appendFloat(data, v)
	}
	data = binary.AppendUvarint(AppendCounts(data, want.Missing[:]), want.Repeats)
	var got NumberSummary
	if err := got.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	if got.N != want.N || got.Wide != want.Wide || got.Dev != want.Dev || got.Missing != want.Missing || got.Repeats != want.Repeats {
		t.Fatalf("%+v, want %+v", got, want)
	}
}
