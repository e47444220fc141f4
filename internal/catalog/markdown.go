package catalog

import (
	"fmt"
	"strings"
)

//go:generate go run ./gen

// Markdown renders the catalogue as docs/metrics.md.
func Markdown() string {
	var b strings.Builder
	b.WriteString("# Metrics\n\nGenerated from `internal/catalog` by `make gen`; do not edit.\n\n")
	b.WriteString("Every metric that Plumbline exposes stands here, and no other one is exposed. What is counted from logs survives restarts and\n")
	b.WriteString("is published only when it is in the state file already, so a scraped counter never goes backwards, kill -9 included. Counters of rule\n")
	b.WriteString("evaluations and of delivery begin at zero with the process, as Prometheus expects of counters.\n")
	b.WriteString("Histograms have edges that are fixed by the reference: their buckets add up over nodes in any Prometheus.\n")
	group := ""
	for _, m := range all {
		if m.Group != group {
			group = m.Group
			fmt.Fprintf(&b, "\n## %s\n\n| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n", group)
		}
		labels := "–"
		if len(m.Labels) > 0 {
			labels = "`" + strings.Join(m.Labels, "` `") + "`"
		}
		unit := m.Unit
		if unit == "" {
			unit = "–"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", m.Name, m.Type, unit, labels, m.Help)
	}
	return b.String()
}
