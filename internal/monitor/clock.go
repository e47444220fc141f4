package monitor

import (
	"strconv"
	"time"
)

// clockGrace is how far the newest record may lie beyond the clock of the host, lateness aside, before the clock is taken to
// have been wrong. No record is let that far ahead of its arrival, so only a clock that was set back explains it.
const clockGrace = int64(10 * time.Minute)

// turnBack begins again at the time of a clock that was set back. Without it everything would count as late until that clock has
// come to where it wrongly stood before: for a day, nothing would be judged. What was counted at the wrong time is closed and
// stays in totals and evidence, as records of whenever they came; the windows, which are about the last minutes and hours, begin
// anew, and so do clients of hours that have not come yet.
func (in *Instance) turnBack(now int64) {
	in.log.Warn("the clock was set back; windows begin anew", "newest", time.Unix(0, in.newest).UTC(), "now", time.Unix(0, now).UTC())
	for len(in.panes.open) > 0 {
		in.closeOldest()
	}
	if in.bucket.open {
		in.closeBucket()
	}
	for _, w := range in.windows {
		for i := range w.ring {
			if w.ring[i].used {
				in.dirty.gone = append(in.dirty.gone, in.section("window", w.label, strconv.Itoa(i)))
			}
		}
		*w = *newWindow(w.length, in.model.Pane)
	}
	in.newest, in.lastArrival = now, now
	in.closedUntil = floorDiv(now-in.latenessNs, in.paneNs) * in.paneNs
	if ev := &in.evidence; ev.started {
		ev.last = min(ev.last, floorDiv(now, in.bucketNs)-1)
	}
	for _, c := range in.cols {
		c.lastGood, c.described = min(c.lastGood, now), nil
	}
	if t := in.truth; t != nil {
		t.newest = min(t.newest, floorDiv(now, t.width))
	}
	if cl := in.clients; cl != nil {
		cl.open = nil
	}
	in.dirty.totals, in.dirty.detectors, in.dirty.live = true, true, true
	in.cache.stale = true
}
