package alerting

import (
	"math/rand/v2"
	"time"
)

const (
	backoffFirst = 500 * time.Millisecond
	backoffMost  = time.Minute
	rateWindow   = time.Minute

	// bucketIdle is how long a bucket without calls is remembered.
	bucketIdle = 10 * time.Minute
)

// bucket paces the calls that share one credential: one at a time, at most a number per sliding minute, none
// while the destination asked for peace or is failing.
type bucket struct {
	name      string
	limit     int         // calls per minute; 0 means no limit
	calls     []time.Time // completions of the newest calls, at most limit
	notBefore time.Time
	failures  int // in a row
	busy      bool
	used      time.Time
}

// bucketRecord is what survives a restart.
type bucketRecord struct {
	Calls     []time.Time `json:"calls,omitempty"`
	NotBefore time.Time   `json:"not_before,omitzero"`
}

func (b *bucket) record() bucketRecord { return bucketRecord{Calls: b.calls, NotBefore: b.notBefore} }

// restore takes over what an earlier process did. Its clock may have been ahead of ours, so nothing lies in
// the future; and the call that was under way when it died is on no record, so one is added.
func (b *bucket) restore(r bucketRecord, now time.Time) {
	b.calls = b.calls[:0]
	for _, t := range r.Calls {
		if t.After(now) {
			t = now
		}
		b.calls = append(b.calls, t)
	}
	b.calls = append(b.calls, now)
	if b.notBefore = r.NotBefore; b.notBefore.After(now.Add(time.Hour)) {
		b.notBefore = now
	}
	b.used = now
}

// ready says when the next call may start; zero means now.
func (b *bucket) ready(now time.Time) (time.Time, bool) {
	at := b.notBefore
	if n := len(b.calls); b.limit > 0 && n >= b.limit {
		// Completion of the call limit ago to start of the next: at the destination the calls are at least
		// this far apart, however long each was under way.
		if free := b.calls[n-b.limit].Add(rateWindow); free.After(at) {
			at = free
		}
	}
	return at, !b.busy && !now.Before(at)
}

// done records a finished call.
func (b *bucket) done(now time.Time) {
	b.busy = false
	b.used = now
	if b.limit == 0 {
		return
	}
	b.calls = append(b.calls, now)
	if n := len(b.calls); n > b.limit {
		b.calls = append(b.calls[:0], b.calls[n-b.limit:]...)
	}
}

// backoff doubles from half a second to a minute; half of it is random, so that agents which failed together
// do not come back together.
func backoff(failures int, r *rand.Rand) time.Duration {
	most := min(backoffMost, backoffFirst<<min(failures-1, 10))
	return most/2 + time.Duration(r.Int64N(int64(most/2)+1))
}
