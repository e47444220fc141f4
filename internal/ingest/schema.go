package ingest

import (
	"time"

	"github.com/plumbline-ml/plumbline/internal/monitor"
)

// lookEvery is the time between two looks for a schema that was not there when its model was loaded.
const lookEvery = 10 * time.Second

// lookForSchemas reads model files again that wait for a schema beside their data: the agent often starts before the
// server that writes it.
func (l *Loop) lookForSchemas(now time.Time) {
	if now.Sub(l.looked) < lookEvery {
		return
	}
	l.looked = now
	var models []*monitor.Model
	found := false
	for _, in := range l.engine.Instances() {
		m := in.Model()
		if m.Schemaless() {
			if again, err := monitor.LoadModel(m.File); err == nil && again.Name == m.Name && !again.Schemaless() {
				m, found = again, true
				l.log.Info("found the schema of a model's data", "model", m.Name)
			}
		}
		models = append(models, m)
	}
	if found {
		l.note(l.swap(models))
	}
}
