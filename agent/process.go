package agent

import (
	"context"
	"os"
	"runtime/debug"
	"time"
)

// TuneProcess makes the whole process small. A command that is nothing but the agent calls it once, before Run; Run
// itself does not, because it may share a process with others.
//
// It tells the Go runtime to collect harder before the memory_limiter has to refuse anything (an operator's GOMEMLIMIT
// wins), and some seconds after the start it gives back the pages that only the start needed.
func TuneProcess(ctx context.Context) {
	const settled = 10 * time.Second
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(systemMemoryLimit() / 10 * 9) // a little below where the memory_limiter refuses
	}
	timer := time.AfterFunc(settled, func() {
		debug.FreeOSMemory()
		_, _ = releaseStartupPages() // where this is not possible, memory is merely larger
	})
	context.AfterFunc(ctx, func() { timer.Stop() })
}
