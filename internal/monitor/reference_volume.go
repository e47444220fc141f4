package monitor

import (
	"errors"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/detectors"
)

// ReferenceVolume is the traffic that a reference was made from: records a bucket, hour of the week by hour of the week.
type ReferenceVolume struct {
	Bucket string        `json:"bucket"` // length of the buckets that were counted
	Hours  []VolumeHours `json:"hours"`
}

// VolumeHours is one hour of the week, added up over the weeks. Hour 0 begins on Monday at 00:00 UTC.
type VolumeHours struct {
	Hour    int     `json:"hour"`
	Buckets float64 `json:"buckets"`
	Records float64 `json:"records"`
	Squares float64 `json:"squares"` // of the counts of buckets
}

var errVolume = errors.New("volume: want hours from 0 to 167 with buckets, and counts that are not negative")

func (r *ReferenceVolume) validate() error {
	if _, err := ParseDuration(r.Bucket); err != nil {
		return errVolume
	}
	for _, h := range r.Hours {
		if h.Hour < 0 || h.Hour >= detectors.HoursOfWeek || !(h.Buckets > 0) || !(h.Records >= 0) || !(h.Squares >= 0) {
			return errVolume
		}
	}
	return nil
}

// fill gives the profile what the reference says, in buckets of another length when the model has those.
func (r *ReferenceVolume) fill(v *detectors.Volume, bucket time.Duration) {
	counted, err := ParseDuration(r.Bucket)
	if err != nil || counted <= 0 {
		return
	}
	// Counts of k buckets together have k times the mean and, by the same dispersion, k times the variance.
	k := float64(bucket) / float64(counted)
	for _, h := range r.Hours {
		mean := h.Records / h.Buckets
		variance := max(0, h.Squares/h.Buckets-mean*mean)
		n := h.Buckets / k
		v.Add(h.Hour, n, h.Records, n*(k*variance+k*mean*k*mean))
	}
}

// maxVolumeBuckets bounds what a reference builder counts: two years of minutes.
const maxVolumeBuckets = 1 << 20

// volumeCounter counts records by bucket while a reference is built. The zero value is ready.
type volumeCounter struct {
	buckets map[int64]uint32
	full    bool
}

func (c *volumeCounter) count(event, bucket int64) {
	if c.buckets == nil {
		c.buckets = map[int64]uint32{}
	}
	i := floorDiv(event, bucket)
	if _, there := c.buckets[i]; !there && len(c.buckets) >= maxVolumeBuckets {
		c.full = true
		return
	}
	c.buckets[i]++
}

// volume adds up the hours; nil when the records did not span two of them. The first and the last bucket are not whole
// and are left out; buckets between them without a record count as empty.
func (c *volumeCounter) volume(bucket time.Duration) *ReferenceVolume {
	if c.full || len(c.buckets) < 3 || bucket > time.Hour {
		return nil
	}
	lo, hi := int64(0), int64(0)
	first := true
	for i := range c.buckets {
		if first {
			lo, hi, first = i, i, false
		}
		lo, hi = min(lo, i), max(hi, i)
	}
	if time.Duration(hi-lo)*bucket < 2*time.Hour || hi-lo > 4*maxVolumeBuckets {
		return nil
	}
	var hours [detectors.HoursOfWeek]VolumeHours
	for i := lo + 1; i < hi; i++ {
		h := hourOfWeek(i * int64(bucket) / int64(time.Hour))
		n := float64(c.buckets[i])
		hours[h].Hour = h
		hours[h].Buckets++
		hours[h].Records += n
		hours[h].Squares += n * n
	}
	return &ReferenceVolume{Bucket: FormatDuration(bucket), Hours: slices.DeleteFunc(hours[:], func(h VolumeHours) bool { return h.Buckets == 0 })}
}
