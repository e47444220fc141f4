package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// asCommand tells this test binary to be the agent, so that what it needs can be measured from outside.
const asCommand = "PLUMBLINE_TEST_COMMAND"

func TestMain(m *testing.M) {
	if line := os.Getenv(asCommand); line != "" {
		os.Exit(run(context.Background(), strings.Split(line, "\n"), strings.NewReader(""), os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// process is the agent, run by a test as a process of its own.
type process struct {
	t      *testing.T
	pid    int
	listen string
	said   bytes.Buffer
	ended  chan error
	tick   *time.Ticker
}

// runAgent starts the agent with these models and an empty state. It is killed at the end of the test.
func runAgent(t *testing.T, models string) *process {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &process{t: t, listen: free.Addr().String(), ended: make(chan error, 1), tick: time.NewTicker(200 * time.Millisecond)}
	free.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), asCommand+"="+strings.Join([]string{"run", "--models", models, "--state", filepath.Join(t.TempDir(), "state"), "--listen", p.listen}, "\n"))
	cmd.Stderr = &p.said
	if err := cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	p.pid = cmd.Process.Pid
	go func() { p.ended <- cmd.Wait() }()
	t.Cleanup(func() {
		p.tick.Stop()
		cancel()
		<-p.ended
	})
	return p
}

// wait lets a fifth of a second pass. A process that has ended ends the test.
func (p *process) wait() {
	p.t.Helper()
	select {
	case err := <-p.ended:
		p.ended <- err
		p.t.Fatalf("the agent ended: %v\n%s", err, p.said.String())
	case <-p.tick.C:
	}
}

// metrics is the page of metrics, or nothing while the agent is not there yet.
func (p *process) metrics() string {
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, "http://"+p.listen+"/metrics", nil)
	if err != nil {
		return ""
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return string(body)
}

// resident is one of the lines about memory in what the kernel says about the process.
func (p *process) resident(name string) int64 {
	p.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	if err != nil {
		p.t.Fatal(err)
	}
	m := regexp.MustCompile(name + `:\s+(\d+) kB`).FindSubmatch(status)
	if m == nil {
		p.t.Fatalf("the kernel does not say %s", name)
	}
	kb, err := strconv.ParseInt(string(m[1]), 10, 64)
	if err != nil {
		p.t.Fatal(err)
	}
	return kb << 10
}

// total is the sum of the samples whose line begins so.
func total(page, prefix string) (sum float64) {
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, prefix) {
			fields := strings.Fields(line[strings.LastIndexByte(line, '}')+1:])
			if len(fields) > 0 {
				v, _ := strconv.ParseFloat(fields[0], 64)
				sum += v
			}
		}
	}
	return sum
}
