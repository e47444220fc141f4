package agent

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// collectAt is how much garbage may gather before it is collected, in percent of what is in use. The agent makes little
	// garbage, so the default of 100 would double its memory to save a few thousandths of a core.
	collectAt = 12
	// lookEvery is the time between two looks at how much memory is free. At each, the pages of the executable are given back, too: with the
	// three hundred or so minor faults that map again what is in use, 0.6 ms. The first time that is done is after startOver: registering
	// components and building tables walks through most of a large binary once, and a backlog is read right then.
	lookEvery = 5 * time.Second
	startOver = time.Second
	// giveBackAt is how much free memory the runtime may keep: more is left behind by a backlog that was read.
	giveBackAt = 5 << 20
)

// TuneProcess makes the whole process small, until ctx is done. A command that is nothing but the agent calls it once, before
// Run; Run itself does not, because it may share a process with others.
//
// It tells the Go runtime to collect more often, and harder before the memory_limiter has to refuse anything (an operator's
// GOGC and GOMEMLIMIT win). It gives free memory back when there is much of it, after a backlog was read. The executable is mapped in
// small pieces, and its pages are given back from time to time: start-up and rare paths touch many that are not needed again.
func TuneProcess(ctx context.Context) {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(systemMemoryLimit() / 10 * 9) // a little below where the memory_limiter refuses
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	runtime.MemProfileRate = 0 // nothing here serves a heap profile, and its stacks take 1.6 MB
	pages, err := executable()
	if err == nil {
		err = divide(pages)
	}
	_ = err // where this is not possible, memory is merely larger
	go giveBack(ctx, pages)
}

const (
	// collectBatchAt is the same for a command that reads files once and ends: its heap is small, and collecting it rarely saves an
	// eighth of its time. Above batchMemory it is collected as often as needed to stay below.
	collectBatchAt = 400
	batchMemory    = 512 << 20
)

// TuneBatch makes a command fast that reads files once and ends. An operator's GOGC and GOMEMLIMIT win.
func TuneBatch() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectBatchAt)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(batchMemory)
	}
}

func giveBack(ctx context.Context, executable []span) {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	free := []metrics.Sample{{Name: "/memory/classes/heap/free:bytes"}}
	started := time.After(startOver)
	for {
		select {
		case <-ctx.Done():
			return
		case <-started:
		case <-tick.C:
			metrics.Read(free)
			if free[0].Value.Uint64() > giveBackAt {
				debug.FreeOSMemory()
			}
		}
		_ = release(executable) // as above
	}
}
