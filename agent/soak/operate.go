package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/plumbline-ml/plumbline/exporters/pagerduty/standin"
)

// harm is something that is done to the agent while it runs. do returns when all is well again.
type harm struct {
	name string
	do   func(ctx context.Context, r *rand.Rand)
}

// operate alternates storms, in which the agent is killed again and again, and calms, in which it lives on and everything
// around it fails. Memory and descriptors are compared in the calms, because a short life hides a leak.
func (a *arena) operate(ctx context.Context) {
	r := rand.New(rand.NewPCG(a.opts.Seed, 0))
	storm := min(max(a.opts.Duration/20, 4*time.Second), 30*time.Second)
	calm := min(max(a.opts.Duration/10, 5*time.Second), 90*time.Second)
	harms := a.harms()
	var deck []harm
	if !rest(ctx, 2*time.Second) {
		return
	}
	for ctx.Err() == nil {
		a.down(ctx, r)
		end := time.Now().Add(storm)
		for time.Now().Before(end) && rest(ctx, between(r, [2]time.Duration{200 * time.Millisecond, 2 * time.Second})) {
			a.log.Info("kill")
			a.agent.kill()
			a.events.add("kill")
			a.agent.ensure()
		}
		end = time.Now().Add(calm)
		for time.Now().Before(end) && rest(ctx, between(r, [2]time.Duration{500 * time.Millisecond, 3 * time.Second})) {
			if len(deck) == 0 {
				deck = append(deck, harms...)
				r.Shuffle(len(deck), func(i, j int) { deck[i], deck[j] = deck[j], deck[i] })
			}
			h := deck[0]
			deck = deck[1:]
			a.log.Info(h.name)
			a.events.add(h.name)
			h.do(ctx, r)
		}
	}
}

// down kills the agent and leaves it dead until every log was rotated one to five times.
func (a *arena) down(ctx context.Context, r *rand.Rand) {
	turns := 1 + r.Int64N(5)
	a.log.Info("down across rotations", "rotations", turns)
	a.agent.kill()
	a.events.add("down across rotations")
	var goal []int64
	for _, s := range a.streams {
		goal = append(goal, s.turns.Load()+turns)
	}
	each(ctx, 100*time.Millisecond, func() bool {
		waiting := false
		for i, s := range a.streams {
			if s.turns.Load() < goal[i] {
				waiting = true
				select {
				case s.now <- struct{}{}:
				default: // it was asked already
				}
			}
		}
		return waiting
	})
	a.agent.ensure()
}

// harms are all but kills and rotations.
func (a *arena) harms() []harm {
	list := []harm{
		{"bad rule file", a.badFile(filepath.Join(a.place.Rules, "bad.yaml"), "groups: [{name: bad, rules: [{alert: Bad, expr: 'sum('}]}]\n")},
		{"bad model file", a.badFile(filepath.Join(a.place.Models, "bad.yaml"), "modell: x\n")},
		{"model file damaged and repaired", a.badFile(filepath.Join(a.place.Models, a.streams[0].model+".yaml"), "model: [\n")},
		{"routes file damaged and repaired", a.badFile(a.place.Routes, "route: {receiver: nobody-there}\n")},
		{"pager answers 429", a.badPager(standin.Reply{Status: http.StatusTooManyRequests, RetryAfter: "2"})},
		{"pager answers 500", a.badPager(standin.Reply{Status: http.StatusInternalServerError, Body: "oops"})},
		{"pager does not answer", a.badPager(standin.Reply{Hang: true})},
		{"pager breaks the connection", a.badPager(standin.Reply{Reset: true})},
	}
	if a.mounted {
		list = append(list, harm{"disk of the state full", a.fillDisk})
	}
	return list
}

// badFile writes a file that must be refused, and puts back what was there.
func (a *arena) badFile(path, text string) func(context.Context, *rand.Rand) {
	return func(ctx context.Context, r *rand.Rand) {
		before, err := os.ReadFile(path)
		if os.WriteFile(path, []byte(text), 0o600) != nil {
			return
		}
		rest(ctx, between(r, [2]time.Duration{time.Second, 3 * time.Second}))
		if err != nil {
			_ = os.Remove(path)
		} else {
			_ = os.WriteFile(path, before, 0o600)
		}
	}
}

func (a *arena) badPager(reply standin.Reply) func(context.Context, *rand.Rand) {
	return func(ctx context.Context, r *rand.Rand) {
		a.pager.script(&reply)
		rest(ctx, between(r, [2]time.Duration{time.Second, 5 * time.Second}))
		a.pager.script(nil)
	}
}

// fillDisk leaves no byte for the state, frees it again and waits until the agent has saved. It is not killed meanwhile:
// what it publishes while the disk is full it could not keep, which is on purpose and documented.
func (a *arena) fillDisk(ctx context.Context, r *rand.Rand) {
	ballast := filepath.Join(a.place.State, "ballast")
	f, err := os.OpenFile(ballast, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	failed := a.scraper.sum("plumbline_state_save_errors_total")
	for _, block := range [][]byte{make([]byte, 1<<20), make([]byte, 4096)} {
		for err = nil; err == nil; {
			_, err = f.Write(block)
		}
	}
	_ = f.Close() // it is full: that is the point
	rest(ctx, between(r, [2]time.Duration{2 * time.Second, 4 * time.Second}))
	deadline := time.Now().Add(20 * time.Second)
	each(context.WithoutCancel(ctx), 100*time.Millisecond, func() bool { // a busy machine may need longer to try a save
		return a.scraper.sum("plumbline_state_save_errors_total") <= failed && time.Now().Before(deadline)
	})
	_ = os.Remove(ballast)
	saved := a.scraper.sum("plumbline_state_saves_total")
	deadline = time.Now().Add(20 * time.Second)
	each(context.WithoutCancel(ctx), 100*time.Millisecond, func() bool {
		return a.scraper.sum("plumbline_state_saves_total") < saved+2 && time.Now().Before(deadline)
	})
	if a.scraper.sum("plumbline_state_save_errors_total") > failed {
		a.events.add("disk full noticed")
	}
}

const modelFile = `model: %s
logs: {include: [%s], format: json}
fields: {timestamp: {path: ts, layout: epoch_ms}}
predictions:
  score: {path: score, kind: probability}
features:
  - {path: f.*, name: "*", kind: number}
reference: {file: %s}
false_pages: 1 per 30d
`

// rulesFile flips an alert every 20 seconds, so that there is always something to deliver.
const rulesFile = `groups:
  - name: soak
    interval: 1s
    rules:
      - alert: SoakFlips
        expr: vector(time()) % 40 < 20
        labels: {severity: critical, model: soak, cause: agent}
        annotations: {summary: The soak flips this alert}
`

const routesFile = `route:
  receiver: on-call
  group_by: [model, cause]
  group_wait: 1s
  group_interval: 5s
  repeat_interval: 1h
receivers:
  - name: on-call
    pagerduty_configs:
      - routing_key: 0123456789abcdef0123456789abcdef
        url: %s
`

// writeConfig writes what a user would write, with a reference for each model so that bins are there from the first line.
func (a *arena) writeConfig(ctx context.Context) error {
	for _, s := range a.streams {
		if err := s.reference(ctx); err != nil {
			return err
		}
	}
	if err := os.WriteFile(filepath.Join(a.place.Rules, "soak.yaml"), []byte(rulesFile), 0o600); err != nil {
		return err
	}
	return os.WriteFile(a.place.Routes, fmt.Appendf(nil, routesFile, a.pager.url), 0o600)
}
