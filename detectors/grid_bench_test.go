package detectors

import (
	"strconv"
	"testing"
)

func BenchmarkGridBin(b *testing.B) {
	for i, f := range families {
		ref := sample(uint64(i), 20000, f.draw)
		cur := sample(uint64(i)+99, 1<<13, f.draw)
		g := mustGrid(b, ref)
		b.Run(f.name, func(b *testing.B) {
			k, sum := 0, 0
			for b.Loop() {
				sum += g.Bin(cur[k&(1<<13-1)])
				k++
			}
			sink = sum
		})
	}
}

func BenchmarkNumberSummaryAdd(b *testing.B) {
	cur := sample(99, 1<<13, families[0].draw)
	g := mustGrid(b, sample(1, 20000, families[0].draw))
	s := g.NewSummary()
	k := 0
	for b.Loop() {
		s.Add(g, cur[k&(1<<13-1)])
		k++
	}
}

var sink int

func BenchmarkDescribeNumber(b *testing.B) {
	for _, m := range []int{200, 5000, 200000} {
		g := mustGrid(b, sample(1, 20000, families[0].draw))
		ref := g.Summarize(sample(1, 20000, families[0].draw))
		cur := g.Summarize(sample(3, m, families[0].draw))
		b.Run(strconv.Itoa(m), func(b *testing.B) {
			for b.Loop() {
				DescribeNumber(g, ref, cur)
			}
		})
	}
}

func BenchmarkNewGrid(b *testing.B) {
	ref := sample(1, 200000, families[0].draw)
	for b.Loop() {
		mustGrid(b, ref)
	}
}

func BenchmarkSketchAdd(b *testing.B) {
	cur := sample(99, 1<<15, families[0].draw)
	s := sketchOf(cur)
	k := 0
	for b.Loop() {
		s.Add(cur[k&(1<<15-1)])
		k++
	}
}

func BenchmarkHLLAdd(b *testing.B) {
	var h HLL
	k := uint64(0)
	for b.Loop() {
		h.Add(k * 0x9e3779b97f4a7c15)
		k++
	}
}

func BenchmarkCompareNumbers(b *testing.B) {
	x, y := sample(1, 20000, families[0].draw), sample(2, 20000, families[0].draw)
	for b.Loop() {
		CompareNumbers(x, y)
	}
}

func BenchmarkPackAndReadSums(b *testing.B) {
	g := mustGrid(b, sample(1, 20000, families[0].draw))
	cur := g.Summarize(sample(3, 25000, families[0].draw))
	var buf []byte
	for b.Loop() {
		buf = g.AppendSums(buf[:0], cur, false)
		if _, err := g.ReadSums(buf, cur, false); err != nil {
			b.Fatal(err)
		}
	}
}
