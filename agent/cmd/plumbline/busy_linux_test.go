package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/agent/reference"
	"github.com/plumbline-ml/plumbline/internal/simulator"
)

const (
	busyModels   = 10
	busyFeatures = 50
	busyRSS      = 80 << 20 // what docs/benchmarks.md promises
	busyDay      = 25 * time.Hour
	busyHistory  = 3000
)

const busyModel = `model: m%d
logs: {include: [%s], format: json}
fields: {timestamp: ts, version: version}
predictions:
  score: {path: prediction.score, kind: probability}
  label: {path: prediction.label, kind: category, positive: spam}
features:
  - {path: features.*}
  - {path: features.domain_rep, kind: number, updated_at: features.domain_rep_ts, max_age: 15m}
reference: {file: %s}
`

// TestTenModelsOfFiftyFeaturesFitInto80MiB runs the agent itself over a day of records, and writes more while it looks at what is resident: with all
// pages of the executable and all garbage. What start-up and the day have taken beyond that is given back within some seconds of the start.
func TestTenModelsOfFiftyFeaturesFitInto80MiB(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "busy.jsonl")
	sim := simulator.NewWide(simulator.Options{Seed: 4}, busyFeatures+1) // one is the time of another
	write := func(path string, n int, at time.Time, step time.Duration) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		out := bufio.NewWriter(f)
		var line []byte
		for i := range n {
			line = sim.AppendRecord(line[:0], at.Add(time.Duration(i)*step))
			out.Write(line)
		}
		if err := out.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	earlier, ref, models := filepath.Join(dir, "earlier.jsonl"), filepath.Join(dir, "reference.json"), filepath.Join(dir, "models")
	write(earlier, 20_000, time.Now().Add(-30*time.Hour), time.Second/2)
	write(log, busyHistory, time.Now().Add(-busyDay), busyDay/busyHistory)
	if err := os.Mkdir(models, 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range busyModels {
		if err := os.WriteFile(filepath.Join(models, fmt.Sprintf("m%d.yaml", i)), fmt.Appendf(nil, busyModel, i, log, ref), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	built, err := reference.Build(t.Context(), reference.Options{Model: filepath.Join(models, "m0.yaml"), Files: []string{earlier}})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(ref, built.JSON, 0o600); err != nil {
		t.Fatal(err)
	}

	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listen := free.Addr().String()
	free.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), asCommand+"="+strings.Join([]string{"run", "--models", models, "--state", filepath.Join(dir, "state"), "--listen", listen}, "\n"))
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() { cancel(); <-ended }()

	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	next := func() {
		t.Helper()
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the agent ended: %v\n%s", err, said.String())
		case <-tick.C:
		}
	}
	for total(scrape(ctx, "http://"+listen+"/metrics"), "plumbline_records_total{") < busyModels*busyHistory {
		next()
	}
	// What it takes to read a day in some seconds is given back soon, and not after any number of looks.
	for looks, calm := 0, 0; looks < 300 && calm < 50; looks++ {
		next()
		if calm++; resident(t, cmd.Process.Pid, "VmRSS") > busyRSS {
			calm = 0
		}
	}
	worst := int64(0)
	for range 30 {
		next()
		write(log, 200, time.Now(), time.Microsecond)
		worst = max(worst, resident(t, cmd.Process.Pid, "VmRSS"))
	}
	page := scrape(ctx, "http://"+listen+"/metrics")
	worst = max(worst, resident(t, cmd.Process.Pid, "VmRSS"))
	t.Logf("resident: at most %d MiB, %d of them of its own; %d KiB of metrics", worst>>20, resident(t, cmd.Process.Pid, "RssAnon")>>20, len(page)>>10)
	if worst > busyRSS {
		t.Errorf("the agent held %d MiB, %d allowed", worst>>20, busyRSS>>20)
	}
	columns := 0 // with a window of a day
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "plumbline_drift_statistic{") && strings.Contains(line, `role="feature"`) && strings.Contains(line, `window="24h",statistic="psi"}`) {
			columns++
		}
	}
	if columns < busyModels*busyFeatures {
		t.Errorf("%d columns are watched, not the %d that were meant", columns, busyModels*busyFeatures)
	}
}

// resident is one of the lines about memory in what the kernel says about a process.
func resident(t *testing.T, pid int, name string) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		t.Fatalf("the kernel does not say %s", name)
	}
	kb, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kb << 10
}
