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
	b.WriteString("Every metric that Plumbline exposes stands here, and no other one is exposed. Counters and histograms survive restarts,\n")
	b.WriteString("and only values that are already in the state file are published, so a scraped counter never goes backwards.\n")
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
