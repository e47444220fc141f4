package compare

import (
	"strings"

	"github.com/plumbline-ml/plumbline/internal/monitor"
)

// kindsFrom says which columns a model file asks for, and as what: number, category, or "" when it leaves that open
// but wants the column. Columns that it does not name are not in the result.
func kindsFrom(m *monitor.Model, columns []*column) map[string]string {
	out := map[string]string{}
	for _, p := range []*monitor.PredictionConfig{m.Score, m.Label} {
		if p != nil {
			out[p.Path] = plain(p.Kind)
		}
	}
	ignored := map[string]bool{m.Timestamp.Path: true, m.Version: true}
	for _, f := range m.Features {
		if f.Ignore {
			ignored[f.Path] = true
		}
		if f.UpdatedAt != "" {
			ignored[f.UpdatedAt] = true
		}
	}
	for _, f := range m.Features {
		if !f.Wildcard() {
			out[f.Path] = plain(f.Kind)
			continue
		}
		for _, c := range columns {
			if _, named := out[c.name]; !named && strings.HasPrefix(c.name, strings.TrimSuffix(f.Path, "*")) {
				out[c.name] = plain(f.Kind)
			}
		}
	}
	for name := range ignored {
		delete(out, name)
	}
	return out
}

// plain is the kind in the words of the report.
func plain(k monitor.Kind) string {
	switch k {
	case monitor.KindNumber, monitor.KindProbability:
		return "number"
	case monitor.KindCategory:
		return "category"
	}
	return ""
}
