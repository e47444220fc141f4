package monitor

import (
	"time"

	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

// Where the profile of traffic comes from, as the key volume of a model file says it.
const (
	volumeLearn     = "learn"     // what the model brings, hour of the week by hour of the week
	volumeReference = "reference" // from the reference file, then as above
	volumeOff       = "off"
)

const (
	// volumeBlock is how many records, in units of the dispersion, a trial must be due: four standard deviations are then
	// half of what is due, so that chance alone calls next to no trial low or high.
	volumeBlock = 64
	// volumeOdd is the share of trials that may be odd without anything being wrong: a restart, a burst, a holiday's hour.
	volumeOdd = .05
	// volumePatience is how long an alarm stands until the traffic that it is about becomes part of the profile.
	volumePatience = 24 * time.Hour
	// volumeFeature is the label feature of the model's traffic.
	volumeFeature = "requests"
	// defaultVolumeTolerance is by what factor traffic may differ from what the hour usually brings.
	defaultVolumeTolerance = 2
)

// volumeOdds are the shares of odd trials that are bet on.
var volumeOdds = []float64{.2, .5, .9}

// volume compares the records of a model with what the hour of the week usually brings. Buckets are put together until
// enough is due; then they are one trial, which is low, high or neither. The shares of low and of high trials
// are streams like any other, so traffic pages out of the same budget.
//
// The profile is fed hour by hour, after the hour, and not with hours in which the traffic was odd.
type volume struct {
	profile detectors.Volume

	// The open hour.
	hour                      int64 // since 1970
	buckets, records, squares float64
	odd                       bool

	// The open trial, and the verdict on the one that the last bucket completed.
	dueLow, dueHigh, count float64
	trial                  bool
	low, high              bool

	late    float64 // records that came after their bucket was closed: traffic of the bucket in which they came
	started bool
}

// newVolume adds the stream of a model's traffic.
func (in *Instance) newVolume() {
	if in.model.Volume == volumeOff {
		return
	}
	in.volume = &volume{}
	if in.reference != nil && in.reference.Volume != nil && in.model.Volume == volumeReference {
		in.reference.Volume.fill(&in.volume.profile, in.model.Bucket)
	}
	var ds []detector
	for _, side := range [...]sequential.Side{sequential.Down, sequential.Up} {
		ds = append(ds, &volumeDetector{of: in.volume, side: side, rate: sequential.NewRate(sequential.RateOptions{Hi: volumeOdd, Cap: in.evidence.cap, Alternatives: volumeOdds})})
	}
	in.addStream(streamOptions{feature: volumeFeature, cause: causeVolume, detectors: ds})
}

func (in *Instance) volumeTolerance() float64 {
	if in.model.Tolerance.Volume > 1 {
		return in.model.Tolerance.Volume
	}
	return defaultVolumeTolerance
}

// hourOfWeek is the hour of an event time in UTC weeks; 1970 began on a Thursday.
func hourOfWeek(hour int64) int { return int((hour + 3*24) % detectors.HoursOfWeek) }

// judgeVolume compares the open bucket, and what was empty before it, with the profile.
func (in *Instance) judgeVolume() {
	ev := &in.evidence
	empty := int64(0)
	if ev.started {
		empty = max(in.bucket.index-ev.last-1, 0)
	}
	in.volume.judge(in, empty)
	for _, s := range ev.streams {
		if s.col == nil && s.feature == volumeFeature && s.alarm != nil {
			in.volume.odd = true
			in.volume.accept(s.alarm.raised, in.bucket.index*in.bucketNs)
		}
	}
}

// judge takes the bucket that is about to be handed to the streams, and the empty ones before it.
func (v *volume) judge(in *Instance, empty int64) {
	v.trial, v.low, v.high = false, false, false
	if !v.started {
		v.started = true // the first bucket began before the agent did
		return
	}
	if time.Duration(empty)*in.model.Bucket <= in.model.Silence {
		for i := in.bucket.index - empty; i < in.bucket.index; i++ {
			v.bucket(in, i, 0)
		}
	}
	v.bucket(in, in.bucket.index, float64(in.bucket.records)+v.late)
	v.late = 0
}

// bucket counts one bucket into the open trial and the open hour.
func (v *volume) bucket(in *Instance, index int64, records float64) {
	hour := index * in.bucketNs / int64(time.Hour)
	if hour != v.hour {
		v.closeHour()
		v.hour = hour
	}
	v.buckets++
	v.records += records
	v.squares += records * records
	low, high, ok := v.profile.Expect(hourOfWeek(hour))
	if !ok {
		return
	}
	v.dueLow, v.dueHigh, v.count = v.dueLow+low, v.dueHigh+high, v.count+records
	if v.dueLow < volumeBlock*v.profile.Dispersion() {
		return
	}
	factor := in.volumeTolerance()
	v.trial, v.low, v.high = true, v.count*factor < v.dueLow, v.count > v.dueHigh*factor
	v.odd = v.odd || v.low || v.high
	v.dueLow, v.dueHigh, v.count = 0, 0, 0
}

// expected is how many records a second the newest bucket's hour should bring; ok is false while nothing is known.
func (v *volume) expected(in *Instance) (low, high float64, ok bool) {
	low, high, ok = v.profile.Expect(hourOfWeek(v.hour))
	return low / in.model.Bucket.Seconds(), high / in.model.Bucket.Seconds(), ok && v.started
}

// closeHour lets the profile learn the hour, unless its traffic was odd.
func (v *volume) closeHour() {
	if v.buckets > 0 && !v.odd {
		v.profile.Add(hourOfWeek(v.hour), v.buckets, v.records, v.squares)
	}
	v.buckets, v.records, v.squares, v.odd = 0, 0, 0, false
}

// accept lets an hour into the profile though its traffic is odd, because it has been so for long.
func (v *volume) accept(raised, end int64) {
	if end-raised >= int64(volumePatience) {
		v.odd = false
	}
}

func (v *volume) encode(e *encoder) {
	e.bytes(v.profile.AppendBinary(nil))
	e.int(v.hour)
	for _, x := range [...]float64{v.buckets, v.records, v.squares, v.dueLow, v.dueHigh, v.count} {
		e.float(x)
	}
	e.bool(v.odd)
	e.float(v.late)
	e.bool(v.started)
}

func (v *volume) decode(d *stateDecoder) {
	if v.profile.UnmarshalBinary(d.bytes()) != nil {
		d.fail()
		return
	}
	v.hour = d.int()
	for _, x := range [...]*float64{&v.buckets, &v.records, &v.squares, &v.dueLow, &v.dueHigh, &v.count} {
		*x = d.float()
	}
	v.odd, v.late, v.started = d.bool(), d.float(), d.bool()
}

// volumeDetector watches the share of low, or of high, trials.
type volumeDetector struct {
	of   *volume
	side sequential.Side
	rate sequential.Rate
	back sequential.Recovery
}

func (d *volumeDetector) counts() (k, n uint64) {
	if !d.of.trial {
		return 0, 0
	}
	if d.side == sequential.Down {
		return uint64(b2i(d.of.low)), 1
	}
	return uint64(b2i(d.of.high)), 1
}

func (d *volumeDetector) update(*column)              { d.rate.Update(d.counts()) }
func (d *volumeDetector) idle()                       { d.rate.Update(0, 0) }
func (d *volumeDetector) logEvidence() float64        { return d.rate.LogEvidence() }
func (d *volumeDetector) reset()                      { d.rate.Reset() }
func (d *volumeDetector) leading() sequential.Leading { return d.rate.Leading() }
func (d *volumeDetector) alternatives() int           { return d.rate.Components() }
func (d *volumeDetector) describe(_ *column, l sequential.Leading) told {
	if d.side == sequential.Down {
		return told{"share of intervals with less traffic than usual", volumeOdd, l.Seen}
	}
	return told{"share of intervals with more traffic than usual", volumeOdd, l.Seen}
}
func (d *volumeDetector) recover(*column)                    { d.back.Update(d.counts()) }
func (d *volumeDetector) startRecovery(l sequential.Leading) { d.back = sequential.NewRecovery(l) }
func (d *volumeDetector) recovered() bool                    { return d.back.Recovered() }
func (d *volumeDetector) encode(e *encoder) {
	e.bytes(d.rate.MarshalAppend(nil))
	e.bytes(d.back.MarshalAppend(nil))
}
func (d *volumeDetector) decode(s *stateDecoder) error {
	rate, back := s.bytes(), s.bytes()
	if err := d.rate.Unmarshal(rate); err != nil {
		return err
	}
	return d.back.Unmarshal(back)
}
