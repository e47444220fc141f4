// Command bench measures the hot path on the simulator's log: from bytes on disk to updated profiles, windows, evidence and a
// committed snapshot, everything on.
//
// It prints lines per CPU-second as ratios against "wc -l" and against a bufio + encoding/json reader of the same file in
// the same run, for rounded numbers with steady keys, for numbers with all their digits, and for shuffled keys. Every
// reader is a process of its own, so that its CPU time is counted whole. It works in a temporary folder.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/agent/reference"
	"github.com/plumbline-ml/plumbline/agent/terminal"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/ingest"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/simulator"
)

func main() {
	lines := flag.Int("lines", 400_000, "lines in each file")
	models := flag.Int("models", 1, "models that all read the same file")
	binary := flag.String("live", "", "measure this plumbline binary as it runs, instead of reading files")
	features := flag.Int("features", simulator.NumFeatures, "with -live: features in every record")
	rate := flag.Int("rate", 5000, "with -live: lines per second")
	seconds := flag.Int("seconds", 30, "with -live: how long")
	history := flag.Int("history", 50_000, "with -live: lines of the last 25 hours that are there when the agent starts")
	grows := flag.Bool("linear", false, "measure how the cost grows with lines, features that nobody asks for, and models")
	reader := flag.String("reader", "", "internal: be one of the measured readers")
	dir := flag.String("dir", "", "internal: where the files are")
	file := flag.String("file", "", "internal: which file to read")
	repeat := flag.Int("repeat", 3, "how often each reader reads each file; the least CPU time counts")
	profile := flag.String("profile", "", "write a CPU profile of our reader for each file, this name with a number behind it")
	flag.Parse()
	var err error
	switch {
	case *binary != "":
		err = live(*binary, *models, *features, *rate, *seconds, *history)
	case *grows:
		err = linear(*lines, *repeat)
	case *reader == "":
		err = compare(*lines, *models, *repeat, *profile)
	case *reader == "encoding/json":
		err = readWithEncodingJSON(filepath.Join(*dir, *file))
	case *reader == "plumbline":
		err = profiled(*profile, func() error { return readWithPlumbline(*dir, *file, *lines) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// ours is the reader that is compared with the others.
const ours = "plumbline, everything on"

// kinds of log to measure on.
var kinds = []struct {
	name string
	opts simulator.Options
}{
	{"rounded numbers, steady keys", simulator.Options{Seed: 1}},
	{"numbers with all digits", simulator.Options{Seed: 1, FullPrecision: true}},
	{"shuffled keys", simulator.Options{Seed: 1, ShuffleKeys: true}},
}

func compare(lines, models, repeat int, profile string) error {
	dir, err := os.MkdirTemp("", "plumbline-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("%d lines a file, %d model(s), one core, GOMAXPROCS=1 for the Go readers, %s %s/%s\n\n", lines, models, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	var rows [][]string
	for i, k := range kinds {
		name := fmt.Sprintf("log%d.jsonl", i)
		size, err := writeLog(filepath.Join(dir, name), k.opts, simulator.NumFeatures, lines, time.Now().Add(-time.Duration(lines)*time.Second/5000), time.Second/5000)
		if err != nil {
			return err
		}
		if err := writeModels(dir, name, models, simulator.NumFeatures); err != nil {
			return err
		}
		var base time.Duration
		for _, r := range []struct {
			name string
			argv []string
		}{
			{"wc -l", []string{"wc", "-l", filepath.Join(dir, name)}},
			{"bufio + encoding/json", []string{os.Args[0], "-reader", "encoding/json", "-dir", dir, "-file", name}},
			{ours, []string{os.Args[0], "-reader", "plumbline", "-dir", dir, "-file", name, "-lines", strconv.Itoa(lines * models)}},
		} {
			if profile != "" && r.name == ours {
				r.argv = append(r.argv, "-profile", fmt.Sprintf("%s%d", profile, i))
			}
			cpu, err := measure(r.argv, repeat)
			if err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
			ratio := "1"
			if base == 0 {
				base = cpu
			} else {
				ratio = fmt.Sprintf("1/%.0f", float64(cpu)/float64(base))
			}
			n := float64(lines)
			rows = append(rows, []string{k.name, fmt.Sprintf("%.0f", float64(size)/n), r.name, cpu.Round(time.Millisecond).String(),
				fmt.Sprintf("%.0f", n/cpu.Seconds()), fmt.Sprintf("%.0f", float64(size)/1e6/cpu.Seconds()), ratio})
		}
		os.Remove(filepath.Join(dir, name))
	}
	return terminal.Table(os.Stdout, terminal.StyleFor(os.Stdout), []string{"file", ">bytes/line", "reader", ">CPU", ">lines/CPU-s", ">MB/CPU-s", ">of wc -l"}, rows)
}

// profiled writes a CPU profile of what run does, unless the name is empty.
func profiled(name string, run func() error) error {
	if name == "" {
		return run()
	}
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return run()
}

// measure runs one reader a few times and returns its least CPU time: what a busy machine adds, to the caches and by
// sharing a core, is not the reader's. Its largest resident set is not told: the kernel hands a child that of
// its parent at the fork, so small readers would show ours.
func measure(argv []string, repeat int) (cpu time.Duration, err error) {
	for range max(repeat, 1) {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "LC_ALL=C")
		out, err := cmd.CombinedOutput()
		if err != nil {
			return 0, fmt.Errorf("%w: %s", err, strings.TrimSpace(string(out)))
		}
		took := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
		if cpu == 0 || took < cpu {
			cpu = took
		}
	}
	return cpu, nil
}

// writeLog writes lines from a time on, a step apart.
func writeLog(path string, opts simulator.Options, features, lines int, at time.Time, step time.Duration) (size int64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	out := bufio.NewWriterSize(f, 1<<20)
	s := simulator.NewWide(opts, features)
	var line []byte
	for range lines {
		line = s.AppendRecord(line[:0], at)
		at = at.Add(step)
		size += int64(len(line))
		if _, err := out.Write(line); err != nil {
			return 0, err
		}
	}
	if err := out.Flush(); err != nil {
		return 0, err
	}
	return size, f.Close()
}

const modelFile = `model: %s
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

// writeModels writes the model files and the reference that they share.
func writeModels(dir, log string, models, features int) error {
	folder := filepath.Join(dir, "models")
	os.RemoveAll(folder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	ref := filepath.Join(dir, "reference.json")
	for i := range models {
		name := fmt.Sprintf("spam-%03d", i)
		if err := os.WriteFile(filepath.Join(folder, name+".yaml"), fmt.Appendf(nil, modelFile, name, filepath.Join(dir, log), ref), 0o600); err != nil {
			return err
		}
	}
	if _, err := os.Stat(ref); err == nil {
		return nil
	}
	earlier := filepath.Join(dir, "earlier.jsonl")
	if _, err := writeLog(earlier, simulator.Options{Seed: 2}, features, 50_000, time.Now().Add(-time.Minute), time.Millisecond); err != nil {
		return err
	}
	built, err := reference.Build(context.Background(), reference.Options{Model: filepath.Join(folder, "spam-000.yaml"), Files: []string{earlier}})
	if err != nil {
		return err
	}
	return os.WriteFile(ref, built.JSON, 0o600)
}

// readWithPlumbline runs the live loop on the file until every line is counted and committed.
func readWithPlumbline(dir, file string, want int) error {
	models, err := monitor.LoadModels(filepath.Join(dir, "models"))
	if err != nil {
		return err
	}
	state, err := os.MkdirTemp(dir, "state-")
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	loop, err := ingest.New(ingest.Options{Models: models, StateDir: state, Publish: func(b catalog.Batch) {
		total := 0.0
		for _, s := range b.Samples {
			if s.Metric == catalog.Records {
				total += s.Value
			}
		}
		if int(total) >= want {
			stop()
		}
	}})
	if err != nil {
		return err
	}
	return loop.Run(ctx)
}

// readWithEncodingJSON is what one would write first: read, decode into a struct, and fill a histogram a feature.
func readWithEncodingJSON(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	type record struct {
		TS         time.Time
		Version    string
		Prediction struct {
			Score float64
			Label string
		}
		Features map[string]any
	}
	counts := map[string]map[any]int{}
	in := bufio.NewScanner(f)
	in.Buffer(make([]byte, 1<<20), 1<<20)
	for in.Scan() {
		var r record
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			return err
		}
		for name, v := range r.Features {
			if counts[name] == nil {
				counts[name] = map[any]int{}
			}
			if x, ok := v.(float64); ok {
				v = int(x * 10)
			}
			counts[name][v]++
		}
	}
	return in.Err()
}
