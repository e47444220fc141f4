package tail

import (
	"context"
	"time"
)

// Lines that are written between the making of a copy and the truncation are in no copy: whoever does not read them in that
// moment loses them, and their number. So when a file appears that may be a copy of one that grows, the tailer stops
// sleeping: it is woken by every write until the truncation comes, and reads at once.
const (
	guardFor      = 5 * time.Second // since the copy was last written to
	guardUnnamed  = time.Second     // the same, when its name does not say that it was rotated
	guardedWakes  = 200             // between two ticks, so that a storm of writes costs no more than a part of a core
	ordinaryWakes = 8               // the same, while no copy is known of
	busyFor       = 10 * time.Second
	maxSuspects   = 16
	fewNames      = 16 // in a folder with more files, a new file without a telling name is no sign of a copy
)

// guard is what is known of copies that may be under way.
type guard struct {
	suspects map[dirBase]time.Duration // new files that may be copies, and how long each is waited for
	until    time.Time                 // the guard ends
	lastRead time.Time                 // a chunk was handed out
	wakes    int                       // since the last tick
}

// suspect is told about every new name.
func (t *Tailer) suspect(d *dir, base string, now time.Time) {
	if compressedName(base) || len(t.guard.suspects) >= maxSuspects || now.Sub(t.guard.lastRead) > busyFor {
		return
	}
	span := time.Duration(0)
	eachLive(base, func(live string) {
		if n := d.names[live]; n != nil && n.src != nil {
			span = guardFor
		}
	})
	if span == 0 && len(d.names) <= fewNames && d.names[base] == nil {
		for _, n := range d.names {
			if n.src != nil && !n.src.left && now.Sub(n.src.grown) < busyFor {
				span = guardUnnamed
			}
		}
	}
	if span == 0 {
		return
	}
	if t.guard.suspects == nil {
		t.guard.suspects = map[dirBase]time.Duration{}
	}
	t.guard.suspects[dirBase{d, base}] = span
	t.guard.until = later(t.guard.until, now.Add(span))
}

// copying is told about writes to files that are not followed.
func (t *Tailer) copying(d *dir, base string, now time.Time) {
	if span, ok := t.guard.suspects[dirBase{d, base}]; ok {
		t.guard.until = later(t.guard.until, now.Add(span))
	}
}

// relax ends the guard of a folder, because a file in it was truncated.
func (t *Tailer) relax(folder string) {
	for at := range t.guard.suspects {
		if at.dir.real == folder {
			delete(t.guard.suspects, at)
		}
	}
	if len(t.guard.suspects) == 0 {
		t.guard.until = time.Time{}
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// rest waits, at most for d: until the next write while a copy may be under way, until something else than one file changes
// while lines come, and else by the clock alone.
func (t *Tailer) rest(ctx context.Context, now time.Time, d time.Duration) error {
	guarded := now.Before(t.guard.until)
	if !guarded && len(t.guard.suspects) > 0 {
		clear(t.guard.suspects)
	}
	limit := ordinaryWakes
	if guarded {
		limit = guardedWakes
	}
	if t.watch == nil || t.guard.wakes >= limit || !guarded && now.Sub(t.guard.lastRead) > busyFor {
		return sleep(ctx, d)
	}
	if t.watch.wait(d, guarded) {
		t.guard.wakes++
		now = time.Now()
		t.events(now)
		t.settle(now)
		clear(t.listings)
	}
	return ctx.Err()
}
