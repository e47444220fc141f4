package rules

// Reads says whether a loaded rule looks at a metric, or at a series of it when it is a histogram. Who holds samples
// back for the engine need not hold the others. The answer may change with Reload.
func (e *Engine) Reads(metric string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, suffix := range [...]string{"", "_bucket", "_sum", "_count"} {
		if _, wanted := e.st.needs.of(metric + suffix); wanted {
			return true
		}
	}
	return false
}
