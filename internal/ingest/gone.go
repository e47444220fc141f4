package ingest

import (
	"os"
	"time"

	"github.com/plumbline-ml/plumbline/internal/monitor"
)

// lookForFilesEvery is how often it is looked whether the logs of models are still there. A folder of a thousand files costs a
// millisecond then.
const lookForFilesEvery = 10 * time.Second

// lookForFiles tells models how many of their files are left: without one the pod is gone, and nothing else needs to be said
// of its silence.
func (l *Loop) lookForFiles(now time.Time) {
	if now.Sub(l.stated) < lookForFilesEvery {
		return
	}
	l.stated = now
	there := map[*monitor.Instance]int{}
	for s, r := range l.routes {
		_, err := os.Stat(s.Path())
		for _, f := range r.feeds {
			if err == nil {
				there[f.instance]++
			} else {
				there[f.instance] += 0
			}
		}
	}
	for in, n := range there {
		in.LogFiles(n)
	}
}
