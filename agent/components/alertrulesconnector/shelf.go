package alertrulesconnector

import (
	"hash/maphash"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// holdFor is how long a series counts as alive after it was said, at least: publishers of ours say each series within
// metricdata.MaxSilence. A publisher that is slower than that is given three times its own pace. Beyond, it is missing
// data, and the rules must see it as that.
const holdFor = 30 * time.Second

// shelf keeps the newest sample of every series of the catalogue between evaluations. Publishers leave out what did
// not change, and rules want to see every series at every evaluation; besides, samples that no evaluation looks at
// never reach the store. It has no lock of its own.
type shelf struct {
	seed   maphash.Seed
	most   int // series that are held
	series map[uint64]*held
	full   bool // something was not taken since the last look
}

type held struct {
	sample catalog.Sample
	start  time.Time
	said   time.Time
	pace   time.Duration // between the newest two times that it was said
}

func newShelf(most int) *shelf {
	return &shelf{seed: maphash.MakeSeed(), most: most, series: map[uint64]*held{}}
}

func (s *shelf) key(m *catalog.Metric, labels []string) uint64 {
	var h maphash.Hash
	h.SetSeed(s.seed)
	h.WriteString(m.Name)
	for _, v := range labels {
		h.WriteByte(0xff)
		h.WriteString(v)
	}
	return h.Sum64()
}

// put takes the newest sample of a series.
func (s *shelf) put(sample catalog.Sample, start, now time.Time) {
	key := s.key(sample.Metric, sample.Labels)
	h := s.series[key]
	if h == nil {
		if len(s.series) >= s.most {
			s.full = true
			return
		}
		h = &held{}
		s.series[key] = h
	}
	if !h.said.IsZero() {
		h.pace = now.Sub(h.said)
	}
	h.sample, h.start, h.said = sample, start, now
}

// drop forgets a series that has ended.
func (s *shelf) drop(m *catalog.Metric, labels []string) { delete(s.series, s.key(m, labels)) }

// batch is every series that is alive at now, as of now. What is dead is forgotten.
func (s *shelf) batch(now time.Time) catalog.Batch {
	b := catalog.Batch{Time: now, Samples: make([]catalog.Sample, 0, len(s.series))}
	for key, h := range s.series {
		// Said in the future means that the clock went back; the series is as alive as any.
		if now.Sub(h.said) > max(holdFor, 3*h.pace) {
			delete(s.series, key)
			continue
		}
		if b.Start.IsZero() || h.start.Before(b.Start) && !h.start.IsZero() {
			b.Start = h.start
		}
		b.Samples = append(b.Samples, h.sample)
	}
	return b
}
