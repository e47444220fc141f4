package monitor

import (
	"fmt"
	"strconv"
	"strings"
)

// Section is a named piece of state, as the snapshot keeps it.
type Section struct {
	Name string
	Data []byte
}

// sectionPrefix begins the name of every section of this package.
const sectionPrefix = "monitor/"

// stateVersion is the first number of every section. A section of another version is not read.
const stateVersion = 1

// dirty says what changed since the last call of Sections.
type dirty struct {
	columns   bool // which columns there are, or their references
	totals    bool // a pane was folded
	detectors bool // a bucket was closed
	live      bool
	lines     bool     // the log said something
	learned   []uint32 // columns that have learned; their samples go away
	panes     []int64  // panes that were closed and whose sections go away
	gone      []string // sections of a reference that is no more
	written   map[int64]bool
}

// closed notes that a pane was folded into everything else.
func (d *dirty) closed(index int64) {
	d.totals = true
	if d.written[index] {
		d.panes = append(d.panes, index)
		delete(d.written, index)
	}
}

func (in *Instance) section(parts ...string) string {
	return sectionPrefix + in.model.Name + "\x00" + strings.Join(parts, "/")
}

// Sections returns what must be written so that a restart goes on exactly here, and the names of sections that are
// no longer needed. What it returns counts as written; the caller keeps it until a commit succeeds.
func (e *Engine) Sections() (changed []Section, removed []string) {
	removed, e.removed = e.removed, nil
	for _, in := range e.instances {
		c, r := in.sections()
		changed, removed = append(changed, c...), append(removed, r...)
	}
	for i, name := range removed {
		for _, c := range changed {
			if c.Name == name {
				removed[i] = "" // a changed section wins
			}
		}
	}
	kept := removed[:0]
	for _, name := range removed {
		if name != "" {
			kept = append(kept, name)
		}
	}
	return changed, kept
}

func (in *Instance) sections() (changed []Section, removed []string) {
	in.settle()
	d := &in.dirty
	add := func(name string, encode func(*encoder)) {
		e := encoder{}
		e.uint(stateVersion)
		encode(&e)
		changed = append(changed, Section{name, e.buf})
	}
	for _, p := range in.panes.open {
		if !p.touched {
			continue
		}
		add(in.section("pane", strconv.FormatInt(p.index, 10)), func(e *encoder) { in.encodePane(e, p) })
		p.touched = false
		if d.written == nil {
			d.written = map[int64]bool{}
		}
		d.written[p.index] = true
		d.live = true
	}
	if d.columns {
		add(in.section("columns"), in.encodeColumns)
	}
	if d.columns || d.totals {
		add(in.section("totals"), in.encodeTotals)
	}
	if d.columns || d.totals || d.live {
		add(in.section("live"), in.encodeLive)
	}
	if d.columns || d.detectors {
		add(in.section(evidenceSection), in.encodeEvidence)
	}
	in.seasonSections(add, d.columns)
	if d.columns || d.live || len(d.learned) > 0 {
		in.learnSections(add)
	}
	in.qualitySections(add)
	in.vectorSections(add)
	if in.clients != nil && (d.columns || d.totals || d.live) {
		add(in.section(clientsSection), in.encodeClients)
	}
	for _, id := range d.learned {
		removed = append(removed, in.section("learn", strconv.FormatUint(uint64(id), 10)))
	}
	for _, w := range in.windows {
		for i := range w.ring {
			if s := &w.ring[i]; s.dirty {
				name := in.section("window", w.label, strconv.Itoa(i))
				if s.used {
					add(name, func(e *encoder) { in.encodeSlot(e, w, s) })
				} else {
					removed = append(removed, name)
				}
				s.dirty = false
			}
		}
	}
	in.cutSections(add, d.columns)
	in.truthSections(add, func(name string) { removed = append(removed, name) }, d.columns)
	for _, index := range d.panes {
		removed = append(removed, in.section("pane", strconv.FormatInt(index, 10)))
	}
	removed = append(removed, d.gone...)
	*d = dirty{written: d.written}
	return changed, removed
}

// touchAll makes the next Sections write everything.
func (in *Instance) touchAll() {
	in.dirty.columns, in.dirty.totals, in.dirty.detectors, in.dirty.live = true, true, true, true
	for _, p := range in.panes.open {
		p.touched = true
	}
	for _, w := range in.windows {
		for i := range w.ring {
			w.ring[i].dirty = w.ring[i].used
		}
	}
}

// allSections is the whole state by name.
func (in *Instance) allSections() map[string][]byte {
	written := in.dirty.written
	in.touchAll()
	changed, _ := in.sections()
	all := map[string][]byte{}
	for _, s := range changed {
		all[s.Name] = s.Data
	}
	for index := range written {
		name := in.section("pane", strconv.FormatInt(index, 10))
		if _, ok := all[name]; !ok {
			all[name] = nil
		}
	}
	return all
}

// Restore puts an engine where Sections left one. names and get are the sections of the last commit. Sections that no
// model needs any longer are reported as removed by the next Sections.
//
// State that cannot be read (another version wrote it) must not keep the agent from starting: the model then begins
// anew, says so in the log, and is listed by Forgotten. An error means that not even that was possible.
func (e *Engine) Restore(names []string, get func(name string) ([]byte, bool)) error {
	needed := map[string]bool{}
	for i, in := range e.instances {
		if err := in.restore(get); err != nil {
			e.log.Error("saved counts cannot be read; the model begins anew", "model", in.model.Name, "error", err)
			e.forgotten = append(e.forgotten, in.model.Name)
			fresh, err := newInstance(in.model, e.log)
			if err != nil {
				return fmt.Errorf("restart model %s: %w", in.model.Name, err)
			}
			fresh.metrics = e.metrics
			e.instances[i], in = fresh, fresh
		}
		in.needed(needed)
	}
	for _, name := range names {
		if strings.HasPrefix(name, sectionPrefix) && !needed[name] {
			e.removed = append(e.removed, name)
		}
	}
	return nil
}

// needed adds the names of the sections that the instance has written or will write again.
func (in *Instance) needed(names map[string]bool) {
	for _, name := range []string{"columns", "totals", "live", evidenceSection, "learning"} {
		names[in.section(name)] = true
	}
	in.qualityNames(names)
	in.neededCuts(names)
	in.neededTruth(names)
	in.vectorNames(names)
	if in.clients != nil {
		names[in.section(clientsSection)] = true
	}
	in.seasonNeeded(names)
	for _, c := range in.cols {
		if c.learn != nil {
			names[in.section("learn", uintText(uint64(c.id)))] = true
		}
	}
	for _, p := range in.panes.open {
		names[in.section("pane", strconv.FormatInt(p.index, 10))] = true
	}
	for _, w := range in.windows {
		for i := range w.ring {
			if w.ring[i].used {
				names[in.section("window", w.label, strconv.Itoa(i))] = true
			}
		}
	}
}

// Forgotten lists the models whose saved state could not be read.
func (e *Engine) Forgotten() []string { return e.forgotten }

// open finds a section. One of another version is like none.
func open(get func(string) ([]byte, bool), name string) (*stateDecoder, bool) {
	data, ok := get(name)
	if !ok || len(data) == 0 {
		return nil, false
	}
	d := &stateDecoder{buf: data}
	if d.uint() != stateVersion {
		return nil, false
	}
	return d, true
}
