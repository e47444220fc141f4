package detectors

import (
	"encoding/binary"
	"fmt"
	"math"
)

// HoursOfWeek is how many hours a Volume tells apart.
const HoursOfWeek = 168

const (
	// volumeMemory is the weight of an hour's past when it comes round again: four weeks, more or less.
	volumeMemory = 0.75
	// volumeEnough is the weight, in buckets, from which an hour of the week speaks for itself.
	volumeEnough = 10
)

// Volume is how many records a bucket brings in each hour of the week: the profile that traffic is compared with.
// It forgets: an hour that comes round again outweighs what was seen of it before, so that growth is not a fault for
// ever. Whoever feeds it decides what is normal and leaves out the rest.
//
// An hour that was not seen yet is told by the same hour of the other days, and before a whole day was seen by the
// lowest and the highest hour there was. The zero value is empty and ready for use. Memory: 4 KiB.
type Volume struct {
	sum    [HoursOfWeek]float64 // records
	weight [HoursOfWeek]float64 // buckets
	spread [HoursOfWeek]float64 // squares of the deviations of buckets from their hour's mean, over the mean: sums
}

// Add takes the buckets of one hour: how many there were, how many records they brought, and the sum over buckets of
// squares of counts.
func (v *Volume) Add(hour int, buckets, records, squares float64) {
	if hour < 0 || hour >= HoursOfWeek || !(buckets > 0) || !(records >= 0) {
		return
	}
	v.sum[hour] = v.sum[hour]*volumeMemory + records
	v.weight[hour] = v.weight[hour]*volumeMemory + buckets
	if mean := records / buckets; mean > 0 {
		v.spread[hour] = v.spread[hour]*volumeMemory + max(0, squares/mean-records)
	}
}

// Hours is how many hours of the week were seen.
func (v *Volume) Hours() int {
	n := 0
	for _, w := range v.weight {
		if w >= volumeEnough {
			n++
		}
	}
	return n
}

// Expect is how many records a bucket should bring, between low and high: the same for an hour that is known, wide apart
// for one that is guessed from the others. ok is false when nothing is known at all.
func (v *Volume) Expect(hour int) (low, high float64, ok bool) {
	if hour < 0 || hour >= HoursOfWeek {
		return 0, 0, false
	}
	if v.weight[hour] >= volumeEnough {
		m := v.sum[hour] / v.weight[hour]
		return m, m, true
	}
	// The same hour of other days.
	low, high = math.Inf(1), 0
	days := 0
	for h := hour % 24; h < HoursOfWeek; h += 24 {
		if v.weight[h] >= volumeEnough {
			m := v.sum[h] / v.weight[h]
			low, high = min(low, m), max(high, m)
			days++
		}
	}
	if days < 2 {
		// One day says nothing of a weekend: any hour may be as low or as high as the lowest and the highest one.
		for h := range v.weight {
			if v.weight[h] >= volumeEnough {
				m := v.sum[h] / v.weight[h]
				low, high = min(low, m), max(high, m)
				days++
			}
		}
	}
	if days == 0 {
		return 0, 0, false
	}
	if v.Hours() < 24 {
		return low / 4, high * 4, true // not even one night was seen
	}
	return low / 2, high * 2, true // a first weekend may bring half
}

// Lowest is what the quietest hour that was seen brings a bucket; 0 when nothing is known.
func (v *Volume) Lowest() float64 {
	low := math.Inf(1)
	for h, w := range v.weight {
		if w >= volumeEnough {
			low = min(low, v.sum[h]/w)
		}
	}
	if math.IsInf(low, 1) {
		return 0
	}
	return low
}

// Mean is what a bucket brings on average over the hours that were seen.
func (v *Volume) Mean() float64 {
	sum, n := 0.0, 0.0
	for h, w := range v.weight {
		if w >= volumeEnough {
			sum += v.sum[h] / w
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return sum / n
}

// Dispersion is the variance of a bucket's count over its mean: 1 for Poisson arrivals, more for bursts; at least 1.
func (v *Volume) Dispersion() float64 {
	d, w := 0.0, 0.0
	for h := range v.weight {
		d += v.spread[h]
		w += v.weight[h]
	}
	if w == 0 {
		return 1
	}
	return max(1, d/w)
}

const volumeVersion = 1

// AppendBinary appends the encoding: the hours that were seen.
func (v *Volume) AppendBinary(out []byte) []byte {
	out = append(out, volumeVersion)
	n := 0
	for _, w := range v.weight {
		if w > 0 {
			n++
		}
	}
	out = binary.AppendUvarint(out, uint64(n))
	for h, w := range v.weight {
		if w > 0 {
			out = append(out, byte(h))
			out = appendFloat(appendFloat(appendFloat(out, v.sum[h]), w), v.spread[h])
		}
	}
	return out
}

// UnmarshalBinary decodes what AppendBinary wrote; on error v is unchanged.
func (v *Volume) UnmarshalBinary(data []byte) error {
	d := decoder{buf: data}
	if b := d.byte(); b != volumeVersion {
		return fmt.Errorf("read volume: version %d: %w", b, ErrCodec)
	}
	var out Volume
	for range min(d.uvarint(), HoursOfWeek) {
		h := int(d.byte())
		sum, weight, spread := d.float(), d.float(), d.float()
		if h >= HoursOfWeek || !(sum >= 0) || !(weight > 0) || !(spread >= 0) || sum > math.MaxFloat64 || weight > math.MaxFloat64 || spread > math.MaxFloat64 {
			return fmt.Errorf("read volume: %w", ErrCodec)
		}
		out.sum[h], out.weight[h], out.spread[h] = sum, weight, spread
	}
	if err := d.end(); err != nil {
		return fmt.Errorf("read volume: %w", err)
	}
	*v = out
	return nil
}
