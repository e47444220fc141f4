package monitor

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// What happens to the reference when another version answers most requests, as reference.on_new_version says it.
const (
	onVersionKeep  = "keep"
	onVersionLearn = "learn"
	onVersionFile  = "file"
)

// versionMark stands for the version in reference.version_file.
const versionMark = "{version}"

// fileVersion is what a version may look like to become part of a file name: it comes from the log.
var fileVersion = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

var errVersionName = errors.New("the version is no part of a file name: want letters, digits and . _ -, at most 64 of them")

// rebased says what the reference in force is, when a new version has changed it.
type rebased struct {
	how     string // learn or file; empty when the reference is that of the model file
	version string
	at      int64  // event time
	times   uint64 // since start
	failed  uint64 // times that the reference could not be changed and the old one went on
	pending string // version that waits for the end of the call
}

// newVersion is called when another version has taken over. The reference never moves silently: what was done is a line in the
// log, a metric with its time, and an alert for people who look.
func (in *Instance) newVersion(version string, begin int64) {
	rule := in.model.Reference.OnNewVersion
	in.log.Info("the version changed", "version", version, "since", time.Unix(0, begin).UTC(), "reference", rule)
	if rule == onVersionLearn || rule == onVersionFile {
		in.rebase.pending, in.rebase.at = version, begin
	}
}

// rebaseIfPending changes the reference once nothing is half done. It runs before the next commit.
func (in *Instance) rebaseIfPending() {
	version := in.rebase.pending
	if version == "" {
		return
	}
	in.rebase.pending = ""
	next := in.rebase
	next.how, next.version, next.times = in.model.Reference.OnNewVersion, version, next.times+1
	if err := in.startOver(next); err != nil {
		in.rebase.failed++
		in.log.Error("the reference could not follow the version; the old one goes on", "version", version, "error", err)
		return
	}
	in.log.Warn("the reference follows the version", "version", version, "how", next.how)
}

// versionModel is the model with the reference of a version.
func (m *Model) versionModel(r rebased) (*Model, error) {
	out := *m
	if r.how == onVersionLearn {
		out.Reference = ReferenceConfig{For: m.Reference.For, Records: m.Reference.Records}
		if out.Reference.For == 0 && out.Reference.Records == 0 {
			out.Reference.For = defaultLearn
		}
		return &out, nil
	}
	if !fileVersion.MatchString(r.version) || strings.Contains(r.version, "..") {
		return nil, errVersionName
	}
	out.Reference = ReferenceConfig{File: strings.ReplaceAll(m.Reference.VersionFile, versionMark, r.version)}
	return &out, nil
}

// startOver gives the instance another reference. Columns, windows and evidence begin anew; what does not rest on the
// reference goes on: records, versions, missing values, traffic, stale values with their alarms, and the pages that count against the
// budget. An alarm about the old reference has no series until the new one is there: the alert stays open as long as nothing is known, and
// then ends.
func (in *Instance) startOver(next rebased) error {
	m, err := in.model.versionModel(next)
	if err != nil {
		return err
	}
	fresh, err := newInstance(m, in.log)
	if err != nil {
		return fmt.Errorf("begin anew with version %s: %w", next.version, err)
	}
	in.settle()
	old := *in
	names := map[string]bool{}
	old.needed(names)
	for index := range old.dirty.written {
		names[old.section("pane", fmt.Sprint(index))] = true
	}
	for len(in.panes.open) > 0 { // what stands in open panes belongs to the totals that go on
		in.foldParts(in.panes.open[0])
		for i, c := range in.cols {
			if p := in.panes.open[0]; i < len(p.cols) {
				for r, n := range p.cols[i].Missing {
					c.total.missing[r] += n
				}
			}
		}
		in.panes.release()
	}
	fresh.model, fresh.configHash, fresh.log, fresh.metrics = old.model, old.configHash, old.log, old.metrics
	fresh.plan, fresh.at, fresh.wildFrom = old.plan, old.at, old.wildFrom
	fresh.restoredPending = map[uint64]uint64{}
	for _, c := range old.cols {
		fresh.restoredPending[hash64(c.path)] = fresh.wildFrom
	}
	fresh.versions, fresh.counts, fresh.positives, fresh.lines, fresh.rebase = old.versions, old.counts, old.positives, old.lines, next
	fresh.newest, fresh.hold, fresh.closedUntil, fresh.lastArrival = old.newest, old.hold, old.closedUntil, old.lastArrival
	if fresh.volume != nil && old.volume != nil {
		fresh.volume = old.volume
	}
	if fresh.unreadable != nil && old.unreadable != nil {
		fresh.unreadable = old.unreadable
		fresh.unreadable.bucket = 0
	}
	if fresh.clients != nil && old.clients != nil {
		fresh.clients.open, fresh.clients.distinct = old.clients.open, old.clients.distinct
	}
	fresh.discover(fresh.plan.Slots())
	fresh.promotePending()
	for _, c := range fresh.cols {
		if c.slot >= 0 {
			fresh.plan.SetNumeric(c.slot, c.kind == KindNumber)
		}
		for _, o := range old.cols {
			if o.path == c.path && o.role == c.role {
				c.total.missing, c.lastGood = o.total.missing, o.lastGood
			}
		}
	}
	ev := &fresh.evidence
	ev.raised, ev.pages, ev.last, ev.started = old.evidence.raised, old.evidence.pages, old.evidence.last, old.evidence.started
	for _, s := range ev.streams {
		if s.col != nil && s.cause != causeStale || s.part != nil || s.cause == causePerformance {
			continue
		}
		for _, o := range old.evidence.streams {
			if o.feature == s.feature && o.cause == s.cause && o.stateCause() == s.stateCause() && (o.col == nil) == (s.col == nil) {
				s.detectors, s.alarm, s.ratio, s.named = o.detectors, o.alarm, o.ratio, o.named
			}
		}
	}
	in.keepNames(fresh)
	*in = *fresh
	in.carryParts(&old)
	in.touchAll()
	in.cache.stale = true
	for name := range names {
		in.dirty.gone = append(in.dirty.gone, name)
	}
	return nil
}

// keepNames gives the streams of the fresh instance the causes that alarms were named after: each has a series, and an alert whose series
// ends is held open. A column that learns gets them with its streams.
func (in *Instance) keepNames(fresh *Instance) {
	for _, o := range in.evidence.streams {
		names := o.named
		if o.alarm != nil && o.alarm.cause != o.cause && !slices.Contains(names, o.alarm.cause) {
			names = append(slices.Clone(names), o.alarm.cause)
		}
		if o.col == nil || len(names) == 0 {
			continue
		}
		for _, c := range fresh.cols {
			if c.path != o.col.path || c.role != o.col.role {
				continue
			}
			if c.named == nil {
				c.named = map[string][]string{}
			}
			c.named[o.stateCause()] = names
			for _, s := range c.streams {
				if s.stateCause() == o.stateCause() {
					s.named = names
				}
			}
		}
	}
}

// promotePending makes columns of the wildcards' keys that were columns before.
func (in *Instance) promotePending() {
	kept := in.pending[:0]
	for _, w := range in.pending {
		if w.seen < in.wildFrom {
			kept = append(kept, w)
			continue
		}
		in.bySlot[w.slot] = noColumn
		in.addFeature(w.config, w.path, w.slot, -1)
	}
	in.pending = kept
}

// collectRebase appends what became of the reference.
func (in *Instance) collectRebase(b *catalog.Batch) {
	r := &in.rebase
	b.Add(catalog.Rebases, float64(r.times), in.model.Name)
	b.Add(catalog.RebaseFailures, float64(r.failed), in.model.Name)
	if r.how != "" {
		b.Add(catalog.RebaseTime, float64(r.at)/1e9, in.model.Name, r.version, r.how)
	}
}

// rebaseHash covers what a state must agree in with the model file for its reference to stay in force.
func (m *Model) rebaseHash() uint64 {
	r := &m.Reference
	return hash64(r.File, r.VersionFile, r.OnNewVersion, r.For.String(), uintText(r.Records), r.From.String(), r.Until.String())
}

func (in *Instance) encodeRebase(e *encoder) {
	r := &in.rebase
	e.u64(in.model.rebaseHash())
	e.text(r.how)
	e.text(r.version)
	e.int(r.at)
	e.uint(r.times)
	e.uint(r.failed)
}

// readRebase puts the reference of the state in force, before anything else is read. A model file that says otherwise now wins.
func (r *restorer) readRebase() {
	in := r.in
	d, ok := open(r.get, in.section(rebaseSection))
	if !ok {
		return
	}
	hash := d.u64()
	next := rebased{how: d.text(), version: d.text(), at: d.int(), times: d.uint(), failed: d.uint()}
	if d.end() != nil || hash != in.model.rebaseHash() {
		return
	}
	if next.how == "" {
		in.rebase = next
		return
	}
	if err := in.startOver(next); err != nil {
		in.log.Error("the reference of the version cannot be read; that of the model file is in force", "version", next.version, "error", err)
	}
	in.dirty.gone = nil // the sections are about to be read
}
