package ingest

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/tail"
)

// killDir, when set, makes the test binary run a loop on that folder until it is killed.
const killDir = "PLUMBLINE_TEST_KILL_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killDir); dir != "" {
		if err := runVictim(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// runVictim follows dir/logs and appends what it publishes to dir/published.
func runVictim(dir string) error {
	models, err := monitor.LoadModels(filepath.Join(dir, "models"))
	if err != nil {
		return err
	}
	out, err := os.OpenFile(filepath.Join(dir, "published"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	l, err := New(Options{Models: models, StateDir: filepath.Join(dir, "state"), Interval: 10 * time.Millisecond, Publish: func(b catalog.Batch) {
		var sum, squares float64
		for _, s := range b.Samples {
			if s.Metric == catalog.FeatureValue && s.Labels[1] == "i" {
				sum = s.Hist.Sum
			}
			if s.Metric == catalog.FeatureValue && s.Labels[1] == "sq" {
				squares = s.Hist.Sum
			}
		}
		fmt.Fprintf(out, "%.0f %.0f %.0f %.0f %.0f %.0f .\n", total(b, catalog.Records, "serial"), total(b, catalog.TailLines),
			total(b, catalog.FeatureCategory, "serial", "color"), sum, squares, total(b, catalog.TailBytes))
	}})
	if err != nil {
		return err
	}
	return l.Run(context.Background())
}

// published reads the whole lines that the victim wrote.
func published(t *testing.T, dir string) [][6]float64 {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "published"))
	if err != nil {
		return nil
	}
	defer f.Close()
	var out [][6]float64
	for sc := bufio.NewScanner(f); sc.Scan(); {
		words := strings.Fields(sc.Text())
		if len(words) != 7 {
			continue // torn by the kill
		}
		var row [6]float64
		for i := range row {
			if row[i], err = strconv.ParseFloat(words[i], 64); err != nil {
				t.Fatal(err)
			}
		}
		out = append(out, row)
	}
	return out
}

// serialReference builds a reference for the serial model, so that its histograms count from the first line on.
func serialReference(t *testing.T, dir string) {
	t.Helper()
	sample := filepath.Join(dir, "sample.jsonl")
	var b strings.Builder
	for i := range 2000 {
		b.WriteString(serialLine(i*50, time.Now()))
	}
	if err := os.WriteFile(sample, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	m := parseModel(t, fmt.Sprintf(serialModel, dir))
	ref, stats, err := BuildReference(context.Background(), m, []string{sample}, tail.Options{}, nil)
	if err != nil || stats.Records != 2000 {
		t.Fatal(err, stats)
	}
	data, err := ref.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "ref.json"), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// killsWanted makes the short form short: PLUMBLINE_KILLS=200 is the long one, with lives of 0.2 to 2 seconds.
func killsWanted() (kills int, life func(*rand.Rand) time.Duration) {
	if n, err := strconv.Atoi(os.Getenv("PLUMBLINE_KILLS")); err == nil {
		return n, func(r *rand.Rand) time.Duration { return time.Duration(200+r.IntN(1800)) * time.Millisecond }
	}
	return 20, func(r *rand.Rand) time.Duration { return time.Duration(30+r.IntN(200)) * time.Millisecond }
}

// serials is a prime at which serial numbers begin again, so that the sum of their squares stays a whole number that float64
// holds for a hundred million lines.
const serials = 10007

func TestKillsNeitherLoseNorDoubleALine(t *testing.T) {
	if testing.Short() {
		t.Skip("short")
	}
	dir := t.TempDir()
	for _, d := range []string{"logs", "models", "state"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	serialReference(t, filepath.Join(dir, "models"))
	model := strings.Replace(fmt.Sprintf(serialModel, filepath.Join(dir, "logs")), "{learn: 100 records}", "{file: ref.json}", 1)
	if err := os.WriteFile(filepath.Join(dir, "models", "serial.yaml"), []byte(model), 0o600); err != nil {
		t.Fatal(err)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))

	stop, done := make(chan struct{}), make(chan int)
	go write(t, filepath.Join(dir, "logs"), stop, done)

	start := func() *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), killDir+"="+dir)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	kills, life := killsWanted()
	began := time.Now()
	for range kills {
		cmd := start()
		time.Sleep(life(rng))
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
	}
	close(stop)
	n := <-done
	took := time.Since(began)
	cmd := start()
	deadline := time.Now().Add(30 * time.Second)
	var rows [][6]float64
	for time.Now().Before(deadline) {
		if rows = published(t, dir); len(rows) > 0 && rows[len(rows)-1][1] >= float64(n) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	time.Sleep(100 * time.Millisecond) // a doubled line would come now
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	rows = published(t, dir)
	last := rows[len(rows)-1]
	var sum, squares float64
	for i := range n {
		sum += float64(i % serials)
		squares += float64(i%serials) * float64(i%serials)
	}
	if last[0] != float64(n) || last[1] != float64(n) || last[2] != float64(n) || last[3] != sum || last[4] != squares {
		t.Errorf("records, lines, categories, sum, squares: %v; %d lines were written with sum %.0f and squares %.0f", last, n, sum, squares)
	}
	for i := 1; i < len(rows); i++ {
		for k := range rows[i] {
			if rows[i][k] < rows[i-1][k] {
				t.Fatalf("a counter went back: %v after %v", rows[i], rows[i-1])
			}
		}
	}
	t.Logf("%d kills, %d lines, %.0f a second, %d publishes", kills, n, float64(n)/took.Seconds(), len(rows))
}

// killRate is how many lines are written in a second.
const killRate = 5000

// write appends serial lines as they are due, ten at a time, rotates the file now and then, and cuts writes within a line, until stop.
func write(t *testing.T, logs string, stop chan struct{}, done chan int) {
	path := filepath.Join(logs, "a.jsonl")
	n, rotations := 0, 0
	open := func() *os.File {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			t.Error(err)
		}
		return f
	}
	f := open()
	defer func() { f.Close(); done <- n }()
	for began := time.Now(); ; {
		wait := time.Until(began.Add(time.Duration(n+10) * time.Second / killRate))
		select {
		case <-stop:
			return
		case <-time.After(wait): // no time when the machine was busy with something else: what is due is written late
		}
		var b strings.Builder
		for range 10 {
			b.WriteString(serialLine(n%serials, time.Now()))
			n++
		}
		text := b.String()
		cut := len(text) / 3
		if _, err := f.WriteString(text[:cut]); err != nil {
			t.Error(err)
		}
		if _, err := f.WriteString(text[cut:]); err != nil {
			t.Error(err)
		}
		if n%5000 == 0 {
			f.Close()
			rotations++
			if err := os.Rename(path, filepath.Join(logs, fmt.Sprintf("a.%03d.jsonl", rotations))); err != nil {
				t.Error(err)
			}
			f = open()
		}
	}
}
