package agent

import (
	"cmp"
	"maps"
	"slices"

	"go.opentelemetry.io/collector/component"
)

// each visits the factories of a map in the order of their names, a component with a deprecated second name once.
func each[F component.Factory](m map[component.Type]F, visit func(component.Type, F)) {
	types := slices.SortedFunc(maps.Keys(m), func(a, b component.Type) int { return cmp.Compare(a.String(), b.String()) })
	for _, t := range types {
		if f := m[t]; f.Type() == t {
			visit(t, f)
		}
	}
}
