package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
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

	agent := runAgent(t, models)
	for total(agent.metrics(), "plumbline_records_total{") < busyModels*busyHistory {
		agent.wait()
	}
	// What it takes to read a day in some seconds is given back soon, and not after any number of looks.
	for looks, calm := 0, 0; looks < 300 && calm < 50; looks++ {
		agent.wait()
		if calm++; agent.resident("VmRSS") > busyRSS {
			calm = 0
		}
	}
	worst := int64(0)
	for range 30 {
		agent.wait()
		write(log, 200, time.Now(), time.Microsecond)
		worst = max(worst, agent.resident("VmRSS"))
	}
	page := agent.metrics()
	worst = max(worst, agent.resident("VmRSS"))
	t.Logf("resident: at most %d MiB, %d of them of its own; %d KiB of metrics", worst>>20, agent.resident("RssAnon")>>20, len(page)>>10)
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
