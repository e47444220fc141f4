package monitor

import (
	"math"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// packedSeason is a season in the bytes of the state: some 10 kB for a column that differs each half hour of the week.
type packedSeason struct {
	data     []byte
	days     float64
	kappa    float64
	unstable bool
}

func (s *season) pack() *packedSeason {
	e := encoder{}
	e.float(s.Days)
	e.uint(uint64(s.Dropped))
	e.bool(s.Unstable)
	for _, p := range [...]*sequential.SeasonProfile{s.Missing, s.Repeats, s.Unseen} {
		e.bool(p != nil)
		if p != nil {
			e.wander(p.Calendar, p.Sigma, p.Kappa, p.Days)
			e.counts(p.K)
			e.counts(p.N)
		}
	}
	e.bool(s.Bins != nil)
	if p := s.Bins; p != nil {
		e.wander(p.Calendar, p.Sigma, p.Kappa, p.Days)
		e.uint(uint64(len(p.Counts)))
		for _, c := range p.Counts {
			e.counts(c)
		}
	}
	e.bool(s.Mean != nil)
	if p := s.Mean; p != nil {
		e.wander(p.Calendar, p.Sigma, p.Kappa, p.Days)
		e.counts(p.N)
		for i := range p.N {
			e.float(p.Sum[i])
			e.float(p.SumSq[i])
		}
	}
	if w := s.Steps; w != nil { // absent in seasons that were written before there was one
		e.bool(true)
		e.float(w.Sigma)
		e.float(w.Kappa)
	}
	return &packedSeason{data: e.buf, days: s.Days, kappa: s.kappa(), unstable: s.Unstable}
}

func (e *encoder) wander(calendar string, sigma, kappa, days float64) {
	e.text(calendar)
	e.float(sigma)
	e.float(kappa)
	e.float(days)
}

// unpack is the inverse of pack; the bytes were checked when they came in.
func (p *packedSeason) unpack() *season {
	s, err := decodeSeason(p.data)
	if err != nil {
		return &season{Days: p.days}
	}
	return s
}

// maxSeasonSlots is more than any calendar has.
const maxSeasonSlots = 1024

func decodeSeason(data []byte) (*season, error) {
	d := &stateDecoder{buf: data}
	s := &season{Days: d.float(), Dropped: int(d.uint() & math.MaxInt32), Unstable: d.bool()}
	for _, p := range [...]**sequential.SeasonProfile{&s.Missing, &s.Repeats, &s.Unseen} {
		if d.bool() {
			*p = &sequential.SeasonProfile{Calendar: d.text(), Sigma: d.float(), Kappa: d.float(), Days: d.float(), K: d.counts(nil, maxSeasonSlots), N: d.counts(nil, maxSeasonSlots)}
		}
	}
	if d.bool() {
		s.Bins = &sequential.SetsProfile{Calendar: d.text(), Sigma: d.float(), Kappa: d.float(), Days: d.float()}
		for range d.length(maxSeasonSlots) {
			s.Bins.Counts = append(s.Bins.Counts, d.counts(nil, maxCategoryLimit))
		}
	}
	if d.bool() {
		p := &sequential.MeanProfile{Calendar: d.text(), Sigma: d.float(), Kappa: d.float(), Days: d.float(), N: d.counts(nil, maxSeasonSlots)}
		for range p.N {
			p.Sum, p.SumSq = append(p.Sum, d.float()), append(p.SumSq, d.float())
		}
		s.Mean = p
	}
	if len(d.buf) > 0 && d.bool() {
		s.Steps = &sequential.StepsWander{Sigma: d.float(), Kappa: d.float()}
	}
	return s, d.end()
}
