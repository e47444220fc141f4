package scenarios

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/plumbline-ml/plumbline/internal/simulator"
	"github.com/plumbline-ml/plumbline/rules"
)

// normalSpam is the share of spam in mail when nothing is wrong.
const normalSpam = 0.05

// Versions of the simulated classifier, before and after a rollout.
const normalVersion, nextVersion = "v12", "v13"

// featureFault translates the faults that sit in one feature. ok is false for the others.
func featureFault(f rules.Fault) (out simulator.Fault, ok bool) {
	switch f.Kind {
	case "null_burst":
		return simulator.Fault{Null: cmp.Or(f.Factor, 1)}, true
	case "missing":
		return simulator.Fault{Absent: cmp.Or(f.Factor, .95)}, true
	case "frozen":
		return simulator.Fault{Frozen: true}, true
	case "unit":
		return simulator.Fault{Factor: cmp.Or(f.Factor, 100)}, true
	case "new_category":
		return simulator.Fault{Unseen: cmp.Or(f.Factor, .2)}, true
	case "default_value":
		return simulator.Fault{Default: cmp.Or(f.Factor, .2), Value: f.Value}, true
	case "type":
		return simulator.Fault{Text: cmp.Or(f.Factor, 1)}, true
	case "category_gone":
		return simulator.Fault{Gone: f.Class}, true
	case "nan":
		return simulator.Fault{NaN: cmp.Or(f.Factor, 1)}, true
	case "turns":
		return simulator.Fault{Turns: int(cmp.Or(f.Factor, 3))}, true
	case "held":
		return simulator.Fault{Held: true}, true
	case "out_of_range":
		return simulator.Fault{Beyond: cmp.Or(f.Factor, .05)}, true
	case "cardinality":
		return simulator.Fault{Unique: cmp.Or(f.Factor, .2)}, true
	case "replica_skew":
		return simulator.Fault{Factor: cmp.Or(f.Factor, 2), Replica: 1}, true
	}
	return out, false
}

// shares are the kinds whose factor is a share of something.
var shares = map[string]bool{"null_burst": true, "missing": true, "new_category": true, "default_value": true, "type": true, "delayed": true,
	"nan": true, "out_of_range": true, "cardinality": true, "concept": true, "unreadable": true}

// try says what is wrong with a fault before it is played.
func (p *play) try(f rules.Fault) error {
	if f.Factor < 0 {
		return fmt.Errorf("factor: %g: want 0 (the usual) or more", f.Factor)
	}
	if shares[f.Kind] && f.Factor > 1 {
		return fmt.Errorf("factor: %g: it is a share of records here, want up to 1", f.Factor)
	}
	if out, ok := featureFault(f); ok {
		if f.Feature == "" {
			return errors.New("feature: want the name of a feature of the simulated classifier, for instance ent or geo")
		}
		return simulator.New(optionsFor(p.in.Model(), p.spam())).SetFault(f.Feature, out)
	}
	switch f.Kind {
	case "rate", "class_gone":
		if f.Class != "" && f.Class != "spam" {
			return fmt.Errorf("class: %q: the simulated classifier has ham and spam, and only spam can be changed", f.Class)
		}
		if spam := p.spam(); f.Kind == "rate" && f.Factor*spam > 1 {
			return fmt.Errorf("factor: %g: spam is %g of the mail, so want up to %g", f.Factor, spam, 1/spam)
		}
	case "delayed":
		if f.Delay <= 0 {
			return errors.New("delay: want how late records arrive, for instance 10m")
		}
	case "stale":
		if f.Feature != "" && f.Feature != "domain_rep" {
			return fmt.Errorf("feature: %q: only domain_rep comes from the simulated feature store", f.Feature)
		}
	case "volume":
		if f.Factor == 0 || f.Factor > 100 {
			return fmt.Errorf("factor: %g: want the traffic as a multiple of the usual, above 0 up to 100; for none at all write kind silence", f.Factor)
		}
	case "version":
		if spam := p.spam(); f.Factor*spam > 1 {
			return fmt.Errorf("factor: %g: spam is %g of the mail, so want up to %g", f.Factor, spam, 1/spam)
		}
	case "segment_rate":
		if optionsFor(p.in.Model(), p.spam()).Tenants == 0 {
			return errors.New("the model file cuts by no tenant: want segments: [{path: tenant}]")
		}
	case "clock_skew":
		if f.Delay <= 0 {
			return errors.New("delay: want by how much the clock is ahead, for instance 5m")
		}
	case "concept", "truth_stops":
		if p.in.Model().Truth == nil {
			return errors.New("the model file reads no truths: want truth: {path: truth} and fields: {id: id}")
		}
	case "silence", "not_called", "unreadable", "pod_gone", "agent_behind", "appears":
	default:
		return errors.New("the fixtures do not know this kind")
	}
	return nil
}

// turn switches faults on and off. All are set anew when one of them changes, so that two faults of one thing end in the order in which
// they were written.
func (p *play) turn(now time.Time) error {
	changed := false
	for i, f := range p.scenario.Faults {
		since := now.Sub(p.start)
		on := since >= time.Duration(f.From) && since >= 0 && (f.To == 0 || since < time.Duration(f.To))
		changed = changed || on != p.active[i]
		p.active[i] = on
	}
	if !changed {
		return nil
	}
	p.heal()
	for i, f := range p.scenario.Faults {
		if !p.active[i] {
			continue
		}
		if err := p.inflict(f); err != nil {
			return err
		}
	}
	return nil
}

func (p *play) heal() {
	for _, f := range p.scenario.Faults {
		if _, ok := featureFault(f); ok {
			_ = p.sim.SetFault(f.Feature, simulator.Fault{Null: p.scenario.Traffic.Nulls[f.Feature]}) // its name was checked before the play
		}
	}
	p.sim.SetSpamShare(p.spam())
	p.sim.SetVersion(normalVersion)
	p.sim.Overcall(0)
	p.sim.WithholdSpam(false)
	p.sim.StallFeatureStore(false)
	p.sim.SetRate(p.rate)
	p.sim.SkewFeatureStore(0)
	p.sim.AddField(false)
	p.sim.Turn(0)
	p.delay, p.delayed = 0, 0
	p.quiet, p.unread = "", 0
	p.untold = false
	p.files = 1
}

func (p *play) inflict(f rules.Fault) error {
	if out, ok := featureFault(f); ok {
		return p.sim.SetFault(f.Feature, out)
	}
	switch f.Kind {
	case "rate":
		p.sim.SetSpamShare(p.spam() * cmp.Or(f.Factor, 2))
	case "class_gone":
		p.sim.WithholdSpam(true)
	case "delayed":
		p.delay, p.delayed = time.Duration(f.Delay), cmp.Or(f.Factor, 1)
	case "version":
		p.sim.SetVersion(nextVersion)
		p.sim.Overcall(p.spam() * max(0, f.Factor-1))
	case "stale":
		p.sim.StallFeatureStore(true)
	case "volume":
		p.sim.SetRate(p.rate * f.Factor)
	case "segment_rate":
		p.sim.OvercallIn(skewedTenant, p.spam()*max(0, cmp.Or(f.Factor, 3)-1))
	case "clock_skew":
		p.sim.SkewFeatureStore(time.Duration(f.Delay))
	case "appears":
		p.sim.AddField(true)
	case "concept":
		p.sim.Turn(cmp.Or(f.Factor, .5))
	case "truth_stops":
		p.untold = true
	case "silence":
		p.sim.SetRate(0)
	case "not_called":
		p.sim.SetRate(0)
		p.quiet = f.Kind
	case "unreadable":
		p.unread = cmp.Or(f.Factor, 1)
	case "agent_behind":
		p.quiet = f.Kind
	case "pod_gone":
		p.sim.SetRate(0)
		p.files = 0
	}
	return nil
}
