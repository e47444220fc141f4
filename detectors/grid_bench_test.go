package detectors

import "testing"

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
