package soak

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	settled    = 4 * time.Second // age at which a life of the agent is worth measuring
	maxSamples = 1 << 17         // a day and a half of seconds
	fewSamples = 20              // in each half: fewer say nothing
)

// usage is what the agent holds at a moment.
type usage struct {
	rss      float64 // bytes
	fds      float64
	threads  float64
	routines float64
}

// watcher samples what the agent holds, once a second.
type watcher struct {
	agent   *process
	scraper *scraper

	mu      sync.Mutex
	samples []usage
}

func (w *watcher) run(ctx context.Context) {
	each(ctx, time.Second, func() bool {
		pid, age := w.agent.alive()
		if pid == 0 || age < settled {
			return true
		}
		u, err := usageOf(pid)
		if err != nil {
			return true // it ended meanwhile, or this system has no /proc
		}
		u.routines = w.scraper.sum("plumbline_agent_goroutines")
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(w.samples) < maxSamples {
			w.samples = append(w.samples, u)
		}
		return true
	})
}

// usageOf reads /proc.
func usageOf(pid int) (u usage, err error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	fds, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return u, err
	}
	u.fds = float64(len(fds))
	for line := range bytes.Lines(status) {
		name, rest, _ := bytes.Cut(line, []byte(":"))
		fields := bytes.Fields(rest)
		if len(fields) == 0 {
			continue
		}
		v, err := strconv.ParseFloat(string(fields[0]), 64)
		if err != nil {
			continue
		}
		switch string(name) {
		case "VmRSS":
			u.rss = v * 1024
		case "Threads":
			u.threads = v
		}
	}
	return u, nil
}

// Growth compares the second half of a soak with the first.
type Growth struct {
	What          string
	First, Second float64 // medians
	Allowed       float64 // the second may be so large
	Judged        bool    // there were enough samples to say anything
}

// Flat says whether it did not grow past the slack.
func (g Growth) Flat() bool { return !g.Judged || g.Second <= g.Allowed }

// growth leaves out the first tenth, in which caches fill and windows are built, and compares medians, which a kill or
// a collection of garbage does not move.
func (w *watcher) growth() []Growth {
	w.mu.Lock()
	samples := slices.Clone(w.samples)
	w.mu.Unlock()
	samples = samples[len(samples)/10:]
	half := len(samples) / 2
	judged := half >= fewSamples
	var out []Growth
	for _, m := range []struct {
		what    string
		of      func(usage) float64
		share   float64 // slack
		further float64
	}{
		{"RSS, MiB", func(u usage) float64 { return u.rss / (1 << 20) }, 1.15, 8},
		{"file descriptors", func(u usage) float64 { return u.fds }, 1.10, 4},
		{"threads", func(u usage) float64 { return u.threads }, 1.10, 4},
		{"goroutines", func(u usage) float64 { return u.routines }, 1.10, 4},
	} {
		g := Growth{What: m.what, First: median(samples[:half], m.of), Second: median(samples[half:], m.of), Judged: judged}
		g.Allowed = g.First*m.share + m.further
		out = append(out, g)
	}
	return out
}

func median(samples []usage, of func(usage) float64) float64 {
	if len(samples) == 0 {
		return 0
	}
	values := make([]float64, len(samples))
	for i, u := range samples {
		values[i] = of(u)
	}
	slices.Sort(values)
	return values[len(values)/2]
}
