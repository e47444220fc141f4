package scenarios

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/parse"
	"github.com/plumbline-ml/plumbline/internal/simulator"
	"github.com/plumbline-ml/plumbline/rules"
)

// MaxRecords is about how many records one scenario may draw, the learning included: a minute or so of work.
const MaxRecords = 20_000_000

const (
	usualPerMinute = 300
	usualEvery     = 15 * time.Second
	replicas       = 4
	usualSenders   = 100
	usualTenants   = 4
	skewedTenant   = 3 // an eighth of the mail is its own
	usualTruth     = 10 * time.Minute
	usualBacklog   = 64 << 20    // bytes that an agent which is behind has not read
	tick           = time.Second // of virtual time between two looks of the engine at the clock
)

// Fixtures plays scenarios with the simulated spam classifier. The zero value is ready.
type Fixtures struct{}

var _ rules.Fixtures = Fixtures{}

// Play implements rules.Fixtures.
func (Fixtures) Play(ctx context.Context, modelFile string, s rules.Scenario, start time.Time, publish func(catalog.Batch) error) error {
	m, err := monitor.LoadModel(modelFile)
	if err != nil {
		return err
	}
	return playModel(ctx, m, s, start, publish)
}

func playModel(ctx context.Context, m *monitor.Model, s rules.Scenario, start time.Time, publish func(catalog.Batch) error) error {
	p, err := newPlay(m, s, start)
	if err != nil {
		return err
	}
	every := s.Every
	if every <= 0 {
		every = usualEvery
	}
	next, end := start.Add(every), start.Add(time.Duration(s.Lasts))
	for now := start.Add(-time.Duration(s.Traffic.Learn)); now.Before(end); now = now.Add(tick) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := p.second(now); err != nil {
			return err
		}
		if at := now.Add(tick); !at.Before(next) {
			b := catalog.Batch{Time: at, Start: p.start}
			p.engine.Collect(&b)
			if p.backlog() {
				b.Add(catalog.TailLag, usualBacklog)
			} else if p.behind {
				b.Add(catalog.TailLag, 0)
			}
			if err := publish(b); err != nil {
				return err
			}
			next = next.Add(every)
		}
	}
	return nil
}

// play is one scenario on its way.
type play struct {
	scenario rules.Scenario
	start    time.Time
	rate     float64 // undisturbed, a second
	sim      *simulator.Simulator
	engine   *monitor.Engine
	in       *monitor.Instance
	parser   *parse.Parser
	rec      parse.Record
	offset   int64
	line     []byte
	active   []bool // beside scenario.Faults
	delay    time.Duration
	delayed  float64 // share of records
	dice     *rand.Rand
	queue    []underway // records that are delayed, oldest first
	truths   []underway // truths that are not known yet, oldest first
	untold   bool       // no truths come
	unread   float64    // share of the lines that cannot be read
	quiet    string     // why no record comes although the log goes on; empty when it does not
	files    int        // log files that are there
	behind   bool       // some fault is about an agent that is behind
}

// underway is a record that has been written but not arrived.
type underway struct {
	due  time.Time
	line []byte
}

func newPlay(m *monitor.Model, s rules.Scenario, start time.Time) (*play, error) {
	perMinute := s.Traffic.PerMinute
	if perMinute == 0 {
		perMinute = usualPerMinute
	}
	length := time.Duration(s.Traffic.Learn) + time.Duration(s.Lasts)
	if n := perMinute * length.Minutes(); n > MaxRecords {
		return nil, fmt.Errorf("%.3g records are too many for a scenario: want %d at the most; lower traffic.per_minute or traffic.learn", n, MaxRecords)
	}
	reading := monitor.EngineOptions{Models: []*monitor.Model{m}}
	if s.Reads != nil {
		for _, metric := range catalog.All() {
			if s.Reads(metric.Name) {
				reading.Metrics = append(reading.Metrics, metric)
			}
		}
	}
	engine, err := monitor.NewEngine(reading)
	if err != nil {
		return nil, err
	}
	swing := s.Traffic.Swing
	if swing == 0 {
		swing = -1 // the simulator's zero is its usual day and night
	}
	p := &play{scenario: s, start: start, rate: perMinute / 60, engine: engine, in: engine.Instances()[0], active: make([]bool, len(s.Faults)),
		dice: rand.New(rand.NewPCG(s.Seed, 0x64656c6179))}
	opts := optionsFor(m, p.spam())
	opts.Seed, opts.Rate, opts.Swing, opts.Day = s.Seed, p.rate, swing, time.Duration(s.Traffic.Day)
	p.sim = simulator.New(opts)
	p.parser = p.in.Plan().NewParser()
	if err := p.check(); err != nil {
		return nil, err
	}
	for name, share := range s.Traffic.Nulls {
		if err := p.sim.SetFault(name, simulator.Fault{Null: share}); err != nil {
			return nil, fmt.Errorf("traffic.nulls: %w", err)
		}
	}
	p.heal()
	return p, nil
}

// optionsFor are those of the simulator that a model file asks for.
func optionsFor(m *monitor.Model, spam float64) simulator.Options {
	o := simulator.Options{Replicas: replicas, SpamShare: spam}
	if m.Entity == "sender" || m.Client == "sender" {
		o.Senders = usualSenders
	}
	if slices.ContainsFunc(m.Segments, func(c monitor.SegmentConfig) bool { return c.Path == "tenant" }) {
		o.Tenants = usualTenants
	}
	o.FeastTimes = slices.ContainsFunc(m.Features, func(f monitor.FeatureConfig) bool { return f.Wildcard() && f.MaxAge > 0 && f.UpdatedAt+f.Age == "" })
	return o
}

// spam is the share of spam when nothing is wrong.
func (p *play) spam() float64 { return cmp.Or(p.scenario.Traffic.Spam, normalSpam) }

// backlog says whether the agent is behind now.
func (p *play) backlog() bool { return p.quiet == "agent_behind" }

// errNotReadable is for model files of other logs than the simulated one.
var errNotReadable = errors.New(`the model file cannot read the simulated classifier's log, for instance
{"ts":"2026-01-05T12:00:00.000Z","version":"v12","prediction":{"score":0.0312,"label":"ham"},"features":{"len":410,"tld":"com"}}
want logs.format: json, fields.timestamp: ts, prediction.score, prediction.label and features below features`)

// check draws a record aside, so that a model file that does not fit is told before anything is played.
func (p *play) check() error {
	line := simulator.New(simulator.Options{Seed: p.scenario.Seed}).AppendRecord(nil, p.start)
	var rec parse.Record
	if r := p.in.Plan().NewParser().Line(line[:len(line)-1], 0, &rec); r.Status != parse.Complete || rec.Time != p.start.UnixNano() {
		return errNotReadable
	}
	for i, f := range p.scenario.Faults {
		p.behind = p.behind || f.Kind == "agent_behind"
		if err := p.try(f); err != nil {
			return fmt.Errorf("faults[%d] (%s): %w", i, f.Kind, err)
		}
	}
	return nil
}

// second plays what happens from now until a tick later.
func (p *play) second(now time.Time) error {
	if err := p.turn(now); err != nil {
		return err
	}
	n := p.sim.Requests(now, now.Add(tick))
	for i := range n {
		at := now.Add(time.Duration(i) * tick / time.Duration(n)).Truncate(time.Millisecond)
		p.arrive(at)
		p.line = p.sim.AppendRecord(p.line[:0], at)
		if p.in.Model().Truth != nil && !p.untold {
			due := at.Add(cmp.Or(time.Duration(p.scenario.Traffic.Truth), usualTruth))
			serial, spam := p.sim.Truth()
			p.truths = append(p.truths, underway{due: due, line: p.sim.AppendTruth(nil, due, serial, spam)})
		}
		if p.unread > 0 && (p.unread >= 1 || p.dice.Float64() < p.unread) {
			p.observe([]byte("segmentation fault\n"), at)
			continue
		}
		if p.backlog() {
			p.queue = append(p.queue, underway{due: at, line: append([]byte(nil), p.line...)})
			continue
		}
		if p.delay > 0 && p.dice.Float64() < p.delayed {
			p.queue = append(p.queue, underway{due: at.Add(p.delay), line: append([]byte(nil), p.line...)})
			continue
		}
		p.observe(p.line, at)
	}
	p.arrive(now.Add(tick))
	if p.quiet == "not_called" {
		p.in.LineRead(now, true)
	}
	p.in.LogFiles(p.files)
	p.engine.Advance(now.Add(tick))
	return nil
}

// arrive hands over what was delayed until now.
func (p *play) arrive(now time.Time) {
	for _, q := range [...]*[]underway{&p.queue, &p.truths} {
		n := 0
		for ; n < len(*q) && (*q)[n].due.Before(now) && !p.backlog(); n++ {
			p.observe((*q)[n].line, later((*q)[n].due, now.Add(-tick)))
		}
		*q = (*q)[n:]
	}
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (p *play) observe(line []byte, arrival time.Time) {
	r := p.parser.Line(line[:len(line)-1], p.offset, &p.rec)
	p.offset += int64(len(line))
	p.in.LineRead(arrival, r.Status != parse.Bad)
	switch r.Status {
	case parse.Bad:
		p.in.LineUnreadable()
	case parse.Complete:
		p.in.Observe(&p.rec, p.in.Plan().Slots(), arrival)
	}
}
