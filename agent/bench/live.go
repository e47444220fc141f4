package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/internal/simulator"
)

// live runs the real agent for a while and prints what it costs: idle, and under a steady rate of lines; and how long a
// line takes from being written to being counted in /metrics. Before the agent starts, the log holds history lines of the
// last 25 hours: some 50,000 fill every slot of every window, as an agent that has run for a day has them.
func live(binary string, models, features, rate, seconds, history int) error {
	dir, err := os.MkdirTemp("", "plumbline-live-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	const log = "live.jsonl"
	const day = 25 * time.Hour
	if _, err := writeLog(filepath.Join(dir, log), simulator.Options{Seed: 4}, features, history, time.Now().Add(-day), day/time.Duration(history)); err != nil {
		return err
	}
	if err := writeModels(dir, log, models, features); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	cmd := exec.CommandContext(ctx, binary, "run", "--models", filepath.Join(dir, "models"), "--state", filepath.Join(dir, "state"), "--listen", "127.0.0.1:0")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	out, err := os.Create(filepath.Join(dir, "agent.log"))
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Wait() // it is told to end by stop
	defer stop()
	url, err := address(filepath.Join(dir, "agent.log"))
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * time.Minute); ; {
		n, err := scrapeRecords(url)
		if err != nil {
			return err
		}
		if n >= history*models {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the lines that were there before were not read: %d of %d", n, history*models)
		}
		time.Sleep(time.Second)
	}
	time.Sleep(5 * time.Second)
	fmt.Printf("right after the history, %d model(s) of %d features: %s\n", models, max(features, simulator.NumFeatures), memory(cmd.Process.Pid))
	idleCPU, err := usage(cmd.Process.Pid)
	if err != nil {
		return err
	}
	began := time.Now()
	held := watchMemory(cmd.Process.Pid)
	time.Sleep(10 * time.Second)
	after, err := usage(cmd.Process.Pid)
	if err != nil {
		return err
	}
	fmt.Printf("idle after the history, %d model(s) of %d features: %.1f %% of a core, %s\n", models, max(features, simulator.NumFeatures), 100*(after-idleCPU).Seconds()/time.Since(began).Seconds(), held())
	l := load{log: filepath.Join(dir, log), url: url, pid: cmd.Process.Pid, models: models, rate: rate, seconds: seconds, s: simulator.NewWide(simulator.Options{Seed: 3}, features), total: history}
	// Once as Prometheus would scrape it, to see the cost; once scraped ten times a second, to see the delay.
	for _, every := range []int{15 * 20, 2} {
		if err := l.run(every); err != nil {
			return err
		}
	}
	return nil
}

// load is a steady stream of lines into one log.
type load struct {
	log, url              string
	pid                   int
	models, rate, seconds int
	s                     *simulator.Wide
	total                 int
}

// run writes rate lines a second, scrapes every so many twentieths of a second, and prints cost and delay.
func (l *load) run(every int) error {
	log, url, pid, models, rate, seconds, s := l.log, l.url, l.pid, l.models, l.rate, l.seconds, l.s
	f, err := os.OpenFile(log, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	type mark struct {
		at    time.Time
		total int
	}
	var marks []mark // when how many lines had been written
	var delays []time.Duration
	counted := 0
	before, err := usage(pid)
	if err != nil {
		return err
	}
	began := time.Now()
	held := watchMemory(pid)
	var lines []byte
	for step := 1; step <= seconds*20; step++ {
		lines = lines[:0]
		for range rate / 20 {
			lines = s.AppendRecord(lines, time.Now())
		}
		if _, err := f.Write(lines); err != nil {
			return err
		}
		l.total += rate / 20
		marks = append(marks, mark{time.Now(), l.total})
		if step%every == 0 {
			n, err := scrapeRecords(url)
			if err != nil {
				return err
			}
			n /= models
			for len(marks) > 0 && marks[0].total <= n {
				delays = append(delays, time.Since(marks[0].at))
				marks = marks[1:]
			}
			counted = n
		}
		time.Sleep(time.Until(began.Add(time.Duration(step) * 50 * time.Millisecond)))
	}
	after, err := usage(pid)
	if err != nil {
		return err
	}
	slices.Sort(delays)
	if len(delays) == 0 {
		return fmt.Errorf("no line was counted: %d written, %d counted", l.total, counted)
	}
	share := 100 * (after - before).Seconds() / time.Since(began).Seconds()
	fmt.Printf("%d lines/s for %d s, %d model(s), scraped every %s: %.1f %% of a core, %s\n", rate, seconds, models, time.Duration(every)*50*time.Millisecond, share, held())
	if every > 20 {
		return nil // too coarse to say anything about the delay
	}
	fmt.Printf("written to visible in /metrics: p50 %s, p99 %s, max %s\n", at(delays, .5), at(delays, .99), at(delays, 1))
	return nil
}

func at(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))].Round(10 * time.Millisecond)
}

var listening = regexp.MustCompile(`http://[0-9.:]+/metrics`)

// address waits for the line in which the agent says where it listens.
func address(log string) (string, error) {
	for range 300 {
		data, err := os.ReadFile(log)
		if err != nil {
			return "", err
		}
		if url := listening.FindString(string(data)); url != "" {
			return url, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	data, _ := os.ReadFile(log)
	return "", fmt.Errorf("the agent did not start:\n%s", data)
}

var recordsLine = regexp.MustCompile(`(?m)^plumbline_records_total\{[^}]*\} ([0-9.e+]+)`)

func scrapeRecords(url string) (int, error) {
	resp, err := http.Get(url)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	total := 0.0
	for _, m := range recordsLine.FindAllStringSubmatch(string(body), -1) {
		v, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return 0, err
		}
		total += v
	}
	return int(total), nil
}

// usage reads the CPU time of a process from /proc.
func usage(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))
	user, _ := strconv.Atoi(fields[11]) // clock ticks of 10 ms
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * 10 * time.Millisecond, nil
}

var memoryLine = regexp.MustCompile(`(?m)^(VmHWM|VmRSS|RssAnon|RssFile):\s+(\d+) kB`)

// memory says what a process holds: the resident set, its peak, and how much of it is its own and how much are pages of files,
// which the kernel can take back.
func memory(pid int) string {
	mib := resident(pid)
	return fmt.Sprintf("RSS %d MiB (%d anonymous, %d of files; peak %d)", mib["VmRSS"], mib["RssAnon"], mib["RssFile"], mib["VmHWM"])
}

// resident is the same in MiB, by the kernel's names.
func resident(pid int) map[string]int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // one that has ended holds nothing
	mib := map[string]int{}
	for _, m := range memoryLine.FindAllSubmatch(status, -1) {
		kb, _ := strconv.Atoi(string(m[2]))
		mib[string(m[1])] = (kb + 512) >> 10
	}
	return mib
}

// watchMemory looks at a process four times a second, until the function that it returns says what was seen: a single look may come right after
// memory was given back.
func watchMemory(pid int) func() string {
	stop, stopped := make(chan struct{}), make(chan map[string][]int)
	go func() {
		seen := map[string][]int{}
		for {
			for name, mib := range resident(pid) {
				seen[name] = append(seen[name], mib)
			}
			select {
			case <-stop:
				stopped <- seen
				return
			case <-time.After(250 * time.Millisecond):
			}
		}
	}()
	return func() string {
		close(stop)
		seen := <-stopped
		if len(seen["VmRSS"]) == 0 {
			return "the agent has ended"
		}
		middle := func(name string) int {
			slices.Sort(seen[name])
			return seen[name][len(seen[name])/2]
		}
		most := func(name string) int { return slices.Max(seen[name]) }
		return fmt.Sprintf("RSS %d MiB, at most %d (anonymous %d, at most %d; of files %d, at most %d)",
			middle("VmRSS"), most("VmRSS"), middle("RssAnon"), most("RssAnon"), middle("RssFile"), most("RssFile"))
	}
}
