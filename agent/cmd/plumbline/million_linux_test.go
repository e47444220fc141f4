package main

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	millionJunk   = 1_000_000
	millionHonest = 100_000 // of ten values
	millionSeries = 600     // that segments and replicas may take
	millionRSS    = 150 << 20
)

const millionModel = `model: m
logs: {include: [LOG], format: json}
fields: {timestamp: ts}
predictions:
  score: {path: score, kind: probability}
  label: {path: label, positive: spam}
segments: [{path: country, top: 20}]
max_series: 600
windows: [10m, 1h]
`

// TestAMillionDifferentSegmentsInAMinuteFitIntoTheAgent: the process takes at most 150 MiB at its highest, segments at most their budget of series,
// all parts add up to what was written, and the ten values that come often have names, though a hundred others had taken the places first.
func TestAMillionDifferentSegmentsInAMinuteFitIntoTheAgent(t *testing.T) {
	dir := t.TempDir()
	log := filepath.Join(dir, "m.jsonl")
	if err := os.WriteFile(filepath.Join(dir, "m.yaml"), []byte(strings.Replace(millionModel, "LOG", log, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	n := writeMillion(t, log)
	agent := runAgent(t, filepath.Join(dir, "m.yaml"))
	page := agent.metrics()
	for total(page, "plumbline_records_total{") < float64(n) {
		agent.wait()
		page = agent.metrics()
	}
	if got := total(page, "plumbline_segment_records_total{"); got != float64(n) {
		t.Errorf("the parts hold %v records, %d were written", got, n)
	}
	series := 0
	for line := range strings.Lines(page) {
		if strings.Contains(line, `segment="`) && !strings.Contains(line, `segment=""`) {
			series++
		}
		if strings.Contains(line, "junk-") {
			t.Errorf("a value that came once has a name: %s", line)
		}
	}
	if said := total(page, "plumbline_segment_series{"); series > millionSeries || said > millionSeries || series == 0 {
		t.Errorf("%d series, %v are said, %d allowed", series, said, millionSeries)
	}
	for i := range 10 {
		got := 0.
		for line := range strings.Lines(page) {
			if strings.HasPrefix(line, "plumbline_segment_records_total{") && strings.Contains(line, fmt.Sprintf(`segment="country=honest-%d"`, i)) {
				got += total(line, "plumbline_segment_records_total{")
			}
		}
		if got < .9*millionHonest/10 {
			t.Errorf("honest-%d has %v of its %d records", i, got, millionHonest/10)
		}
	}
	if got := total(page, "plumbline_segment_distinct_values{"); got < .94*millionJunk || got > 1.06*millionJunk {
		t.Errorf("%v different values, want about a million", got)
	}
	peak := agent.resident("VmHWM")
	if t.Failed() {
		for line := range strings.Lines(page) {
			if strings.HasPrefix(line, "plumbline_segment_records_total{") {
				t.Log(strings.TrimSpace(line))
			}
		}
	}
	t.Logf("%d records, %d series of segments, at most %d MiB", n, series, peak>>20)
	if peak > millionRSS {
		t.Errorf("the agent took %d MiB at its highest, %d allowed", peak>>20, millionRSS>>20)
	}
}

// writeMillion writes the records of the last minute and says how many there are.
func writeMillion(t *testing.T, path string) (n int) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	const early = 2500 // a hundred values, often enough to be named
	all := early + millionJunk + millionHonest
	begin := time.Now().UTC().Add(-time.Minute)
	for i := range all {
		at := begin.Add(time.Duration(i) * time.Minute / time.Duration(all))
		var country string
		switch {
		case i < early:
			country = "early-" + strconv.Itoa(i%100)
		case (i-early)%11 == 0:
			country = "honest-" + strconv.Itoa((i-early)/11%10)
		default:
			country = "junk-" + strconv.Itoa(i)
		}
		label := "ham"
		if i%10 == 9 {
			label = "spam"
		}
		fmt.Fprintf(w, `{"ts":"%s","score":0.%02d,"label":"%s","country":"%s"}`+"\n", at.Format("2006-01-02T15:04:05.000Z"), i%100, label, country)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return all
}
