package alerting

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/pagerduty/standin"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// childEnv makes this test binary an agent: it takes alerts as JSON lines on stdin and answers each when it is safe.
const childEnv = "PLUMBLINE_ALERTING_TEST_CHILD"

type childConfig struct{ State, URL string }

func TestMain(m *testing.M) {
	if c := os.Getenv(childEnv); c != "" {
		if err := runChild(c); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func runChild(config string) error {
	var c childConfig
	if err := json.Unmarshal([]byte(config), &c); err != nil {
		return err
	}
	d, err := New(Options{StateDir: c.State, Node: "node-7", Routes: fmt.Appendf(nil, `
route: {receiver: page, group_by: [model], group_wait: 0s, group_interval: 20ms}
receivers: [{name: page, pagerduty_configs: [{routing_key: %s, url: %q}]}]
`, testKey, c.URL)})
	if err != nil {
		return err
	}
	go func() { _ = d.Run(context.Background()) }()
	in := json.NewDecoder(os.Stdin)
	for {
		var a alertJSON
		if err := in.Decode(&a); err != nil {
			return nil
		}
		if err := d.Process(time.Now(), []alert.Alert{a.alert()}); err != nil {
			return err
		}
		fmt.Println("safe")
	}
}

// prey is a child that can be killed.
type prey struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
}

func start(t *testing.T, c childConfig) *prey {
	t.Helper()
	config, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	p := &prey{cmd: exec.CommandContext(t.Context(), os.Args[0])}
	p.cmd.Env = append(os.Environ(), childEnv+"="+string(config))
	p.cmd.Stderr = os.Stderr
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.out = bufio.NewScanner(out)
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// tell says whether the child took the alert before it died.
func (p *prey) tell(a alert.Alert) bool {
	data, err := json.Marshal(toJSON(a))
	if err != nil {
		return false
	}
	if _, err := p.in.Write(append(data, '\n')); err != nil {
		return false
	}
	return p.out.Scan()
}

func TestARealProcessThatIsKilledAgainAndAgainLeavesTheTruth(t *testing.T) {
	kills := 30
	if testing.Short() {
		kills = 5
	}
	pd := standin.New(standin.Options{})
	server := httptest.NewServer(pd)
	defer server.Close()
	config := childConfig{State: t.TempDir(), URL: server.URL + "/v2/enqueue"}
	r := rand.New(rand.NewPCG(1, 1))
	truth := map[string]alert.Alert{}
	var unsaid []alert.Alert
	p := start(t, config)
	for range kills {
		death := time.AfterFunc(time.Duration(r.IntN(150))*time.Millisecond, func() { _ = p.cmd.Process.Kill() })
		// Few changes in each life, or the limit of 100 calls a minute makes the test as long.
		for alive, flips := true, 0; alive && flips < 3; flips++ {
			model := fmt.Sprint(r.IntN(4))
			a, fires := truth[model]
			if fires {
				a = ended(a, time.Now())
				delete(truth, model)
			} else {
				a = firing(time.Now(), "model", model)
				truth[model] = a
			}
			unsaid = append(unsaid, a)
			for len(unsaid) > 0 {
				if alive = p.tell(unsaid[0]); !alive {
					break
				}
				unsaid = unsaid[1:]
			}
		}
		_ = p.cmd.Wait()
		death.Stop()
		p = start(t, config)
	}
	for _, a := range unsaid {
		if !p.tell(a) {
			t.Fatal("the last agent died")
		}
	}
	// The limit of 100 calls a minute may hold the last states up; the true state comes all the same.
	deadline := time.Now().Add(90 * time.Second)
	for !maps.Equal(open(pd), wanted(truth)) {
		if time.Now().After(deadline) {
			t.Fatalf("open %v, true %v", slices.Sorted(maps.Keys(open(pd))), slices.Sorted(maps.Keys(wanted(truth))))
		}
		time.Sleep(20 * time.Millisecond)
	}
	if got := perMinute(pd.History()); got > 100 {
		t.Errorf("%d calls in a minute over %d processes", got, kills+1)
	}
	_ = p.in.Close()
	_ = p.cmd.Wait()
}

func open(pd *standin.Server) map[string]bool {
	out := map[string]bool{}
	for _, inc := range pd.Open() {
		out[inc.DedupKey] = true
	}
	return out
}

func wanted(truth map[string]alert.Alert) map[string]bool {
	out := map[string]bool{}
	for model := range truth {
		out[dedupKey("page", map[string]string{"model": model}, "node-7", false)] = true
	}
	return out
}
