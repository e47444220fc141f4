package alerting

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/destination"
)

const (
	runInterval = 250 * time.Millisecond
	stopGrace   = 3 * time.Second

	// poisonTries is after how many server errors in a row one incident steps aside, so that a notification
	// that makes the destination fail cannot hold up all the others.
	poisonTries = 8
)

// attempt is one call that is about to be made: for an incident, or of a mirror.
type attempt struct {
	inc    *incident
	in     *integration
	seq    uint64
	mirror *mirror
	batch  []*mirrored
	states []told // of the batch when it was taken
	bucket *bucket
	n      Notification
}

// Run decides and delivers until ctx is done. It is the only place with a clock of its own; calls that are
// under way then get a moment to finish, because what they say would have to be said again.
func (d *Dispatcher) Run(ctx context.Context) error {
	sending, abort := context.WithCancel(context.WithoutCancel(ctx))
	var calls sync.WaitGroup
	defer func() {
		timer := time.AfterFunc(stopGrace, abort)
		calls.Wait()
		timer.Stop()
		abort()
	}()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		case <-timer.C:
		}
		now := d.opts.Now()
		d.Tick(now)
		for a := d.next(now); a != nil; a = d.next(now) {
			calls.Go(func() {
				for a := a; a != nil; a = d.next(d.opts.Now()) { // on with whatever is next, its own bucket included
					advice, err := d.send(sending, a)
					d.finish(sending, a, d.opts.Now(), advice, err)
					if ctx.Err() != nil {
						return
					}
				}
			})
		}
		timer.Reset(runInterval)
	}
}

// Deliver sends what may be sent at now, one call after the other, and returns when nothing is left that could
// go. It takes every call to be made at now, so it is for callers that own the clock; Run is for the others.
func (d *Dispatcher) Deliver(ctx context.Context, now time.Time) {
	for ctx.Err() == nil {
		a := d.next(now)
		if a == nil {
			return
		}
		advice, err := d.send(ctx, a)
		d.finish(ctx, a, now, advice, err)
	}
}

// next takes what is to be sent next, and reserves its bucket. Nil means that nothing can go now.
func (d *Dispatcher) next(now time.Time) *attempt {
	if d.opts.DryRun {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dropIdleBuckets(now)
	if a := d.nextIncident(now); a != nil {
		return a
	}
	return d.nextMirror(now)
}

// nextIncident takes the oldest incident whose bucket is free.
func (d *Dispatcher) nextIncident(now time.Time) *attempt {
	passed := map[*bucket]bool{} // buckets whose oldest incident was seen and cannot go now
	var found *attempt
	var lost []*incident
	for inc := range d.inOrder {
		in := d.integration(inc)
		if in == nil {
			lost = append(lost, inc)
			continue
		}
		n := inc.notification(d.opts.ExternalURL)
		name, limit := in.bucket(n, now)
		if inc.RejectedSeq == inc.Seq && inc.RejectedBucket == name {
			continue
		}
		b := d.bucket(name)
		b.limit = limit
		if passed[b] {
			continue
		}
		if _, ok := b.ready(now); !ok {
			passed[b] = true
			continue
		}
		if now.Before(inc.notBefore) {
			continue // it steps aside for the others of its bucket
		}
		b.busy = true
		found = &attempt{inc: inc, in: in, bucket: b, n: n, seq: inc.Seq}
		break
	}
	for _, inc := range lost {
		d.log.Warn("dropped an incident whose destination is no longer configured", "destination", inc.Integration, "dedup_key", inc.Key)
		d.forget(inc)
	}
	return found
}

func (d *Dispatcher) send(ctx context.Context, a *attempt) (RetryAdvice, error) {
	notifier, timeout := Notifier(nil), time.Duration(0)
	if a.mirror != nil {
		notifier, timeout = a.mirror.notifier, a.mirror.timeout
	} else {
		notifier, timeout = a.in.notifier, a.in.timeout
	}
	if timeout <= 0 {
		timeout = d.opts.SendTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return notifier.Send(ctx, a.n)
}

// finish records what came of a call.
func (d *Dispatcher) finish(ctx context.Context, a *attempt, now time.Time, advice RetryAdvice, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := a.bucket
	b.done(now)
	if b.limit > 0 {
		d.state.touch(bucketPrefix + b.name)
	}
	switch {
	case err == nil:
		b.failures, b.notBefore = 0, time.Time{}
		d.metrics.sent(a.n.Kind, a.n.Action)
		if a.mirror != nil {
			a.mirrored(now)
		} else {
			d.accepted(a, now, advice)
		}
	case ctx.Err() != nil:
		// We are stopping: the call says nothing about the destination.
	default:
		d.failed(a, now, advice, err)
	}
	_ = d.save()
}

func (d *Dispatcher) accepted(a *attempt, now time.Time, advice RetryAdvice) {
	if advice.Target != "" {
		a.inc.target = advice.Target
	}
	if d.incidents[a.inc.id()] == a.inc {
		d.acknowledge(a.inc, a.seq, a.n.Action != destination.Resolve, now)
	}
}

func (d *Dispatcher) failed(a *attempt, now time.Time, advice RetryAdvice, err error) {
	inc, b := a.inc, a.bucket
	if advice.Reason == "" {
		advice.Reason = destination.Contract
	}
	d.metrics.failed(a.n.Kind, advice.Reason)
	if inc != nil && advice.Target != "" {
		inc.target = advice.Target
	}
	level := slog.LevelWarn
	switch {
	case !advice.Retry && inc == nil:
		level = slog.LevelError
		a.mirrored(now)
	case !advice.Retry:
		level = slog.LevelError
		inc.RejectedSeq, inc.RejectedBucket, inc.RejectedAt = a.seq, b.name, now
		d.state.touch(incidentPrefix + inc.id())
	default:
		b.failures++
		wait := advice.After
		if wait <= 0 {
			wait = backoff(b.failures, d.opts.Rand)
		}
		b.notBefore = now.Add(wait)
		if inc != nil {
			if inc.tries++; advice.Reason == destination.Server && inc.tries >= poisonTries {
				inc.notBefore = now.Add(2 * backoffMost)
			}
		}
		if b.failures&(b.failures-1) != 0 {
			return // said at the 1st, 2nd, 4th, 8th… failure in a row
		}
	}
	d.log.Log(context.Background(), level, "notification was not accepted", "destination", a.n.Integration, "dedup_key", a.n.Key,
		"action", string(a.n.Action), "reason", string(advice.Reason), "retry", advice.Retry, "failures", b.failures, "error", err)
}

// bucket finds or makes the bucket of a name. With a state on disk, a call of a former process may be on no
// record, so even a new bucket starts with one.
func (d *Dispatcher) bucket(name string) *bucket {
	b := d.buckets[name]
	if b == nil {
		b = &bucket{name: name, used: d.started}
		if d.state != nil && d.state.store != nil {
			b.calls = append(b.calls, d.started)
		}
		d.buckets[name] = b
	}
	return b
}

func (d *Dispatcher) dropIdleBuckets(now time.Time) {
	for name, b := range d.buckets {
		if !b.busy && now.Sub(b.used) > bucketIdle && !now.Before(b.notBefore) {
			delete(d.buckets, name)
			d.state.drop(bucketPrefix + name)
		}
	}
}

// integration finds where an incident is to be sent: among the routes, or among former ones.
func (d *Dispatcher) integration(inc *incident) *integration {
	if in := d.routing.integrations[inc.Integration]; in != nil {
		return in
	}
	if in := d.retired[inc.Integration]; in != nil {
		return in
	}
	return d.routing.followUp(inc)
}
