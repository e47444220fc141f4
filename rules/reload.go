package rules

// Reload reads the rule files again and swaps the rules when all of them are good. When one is not, the error names file, line and column
// and the rules that run go on. Alerts of rules that did not change keep their state; alerts of rules that are gone resolve.
func (e *Engine) Reload() error {
	files, err := sources(e.opts)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	groups, n, err := e.build(files)
	if err != nil {
		return err
	}
	saved := e.export()
	old := map[string]*groupState{}
	for _, g := range e.groups {
		old[g.File()+"\xff"+g.Name()] = g
	}
	sent := map[string]*instance{}
	for _, g := range e.groups {
		for _, r := range g.alerts {
			for _, in := range r.inst {
				sent[in.key] = in
			}
		}
	}
	e.groups = groups
	for _, g := range groups {
		if from := old[g.File()+"\xff"+g.Name()]; from != nil {
			g.CopyState(from.Group) // which recorded series are due to be marked stale
			if from.Interval() == g.Interval() {
				g.slot, g.ran = from.slot, from.ran
			}
		}
	}
	e.st.setNeeds(n)
	e.names.reset()
	e.adopt(saved)
	for _, g := range groups { // what was told is told: no second notice because of a reload
		for _, r := range g.alerts {
			for _, in := range r.inst {
				if was := sent[in.key]; was != nil {
					in.sent, in.sentMissing, in.carried, in.heldSince = was.sent, was.sentMissing, was.carried, was.heldSince
				}
			}
		}
	}
	clear(e.failing)
	e.dirty = true
	e.observe()
	return nil
}
