package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/agent/terminal"
	"github.com/plumbline-ml/plumbline/internal/simulator"
)

// asked is what a model asks for that is content with two features of all.
const asked = "  - {path: features.len}\n  - {path: features.tld}\n"

// linear shows how the cost grows: with the lines of a file, with features that nobody asks for, and with models. Each row is the least
// CPU time of a few runs, from which the least time of a run over next to no lines is taken away: what a start costs is not a line's.
func linear(lines, repeat int) error {
	dir, err := os.MkdirTemp("", "plumbline-linear-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Printf("our reader on one core (GOMAXPROCS=1), rounded numbers, steady keys; processor time without that of a start\n\n")
	const few = 10
	var rows [][]string
	var base float64
	starts := map[string]time.Duration{}
	for _, r := range []struct {
		name            string
		lines, features int
		models          int
		two             bool
	}{
		{"a quarter of the lines", lines / 4, simulator.NumFeatures, 1, false},
		{"half the lines", lines / 2, simulator.NumFeatures, 1, false},
		{"all lines", lines, simulator.NumFeatures, 1, false},
		{"twice the lines", 2 * lines, simulator.NumFeatures, 1, false},
		{"2 of 29 features asked for", lines, simulator.NumFeatures, 1, true},
		{"2 of 58 features asked for", lines, 2 * simulator.NumFeatures, 1, true},
		{"10 models", max(lines/8, few), simulator.NumFeatures, 10, false},
		{"100 models", max(lines/40, few), simulator.NumFeatures, 100, false},
	} {
		run := func(n int) (time.Duration, int64, error) {
			const name = "log.jsonl"
			at := time.Now().Add(-time.Duration(n) * time.Second / 5000)
			size, err := writeLog(filepath.Join(dir, name), simulator.Options{Seed: 1}, r.features, n, at, time.Second/5000)
			if err != nil {
				return 0, 0, err
			}
			if err := writeModels(dir, name, r.models, simulator.NumFeatures); err != nil {
				return 0, 0, err
			}
			if r.two {
				if err := askForTwo(filepath.Join(dir, "models")); err != nil {
					return 0, 0, err
				}
			}
			cpu, err := measure([]string{os.Args[0], "-reader", "plumbline", "-dir", dir, "-file", name, "-lines", strconv.Itoa(n * r.models)}, repeat)
			return cpu, size, err
		}
		key := fmt.Sprint(r.models, r.two)
		if starts[key] == 0 {
			if starts[key], _, err = run(few); err != nil {
				return fmt.Errorf("%s: %w", r.name, err)
			}
		}
		cpu, size, err := run(r.lines)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		cpu = max(cpu-starts[key], time.Microsecond)
		each := float64(cpu.Nanoseconds()) / float64(r.lines*r.models)
		if r.name == "all lines" {
			base = each
		}
		rows = append(rows, []string{r.name, strconv.Itoa(r.lines), fmt.Sprintf("%.0f", float64(size)/float64(r.lines)), strconv.Itoa(r.models), cpu.Round(time.Millisecond).String(),
			fmt.Sprintf("%.0f", each), fmt.Sprintf("%.0f", 1e9/each)})
	}
	for i, r := range rows {
		each, err := strconv.ParseFloat(r[5], 64)
		if err != nil {
			return err
		}
		rows[i] = append(r, fmt.Sprintf("%.2f", each/base))
	}
	return terminal.Table(os.Stdout, terminal.StyleFor(os.Stdout),
		[]string{"what", ">lines", ">bytes/line", ">models", ">CPU", ">ns/line and model", ">lines times models/CPU-s", ">of all lines"}, rows)
}

// askForTwo edits the model files so that they ask for two features only.
func askForTwo(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return err
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		head, rest, _ := strings.Cut(string(data), "features:\n")
		_, tail, _ := strings.Cut(rest, "reference:")
		if err := os.WriteFile(f, []byte(head+"features:\n"+asked+"reference:"+tail), 0o600); err != nil {
			return err
		}
	}
	return nil
}
