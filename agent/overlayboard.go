package agent

import (
	"fmt"
	"slices"
	"strings"
)

// board spares a configuration the pipeline between inference_log and alert_rules when nobody else listens on it: each
// publish would be copied for the rules alone, although they can read what was committed where it stands. That is so when
// every pipeline of an inference_log leads to alert_rules and nothing else, through processors that change nothing, and no
// other receiver. What the configuration says itself about "send" and "from" is left as it is.
func (l *layer) board() {
	pipelines, _ := l.section("service")["pipelines"].(map[string]any)
	receivers, connectors := map[string]bool{}, map[string]bool{} // that may go by the board
	alone := func(p map[string]any) bool {
		return all(p["receivers"], "inference_log") && all(p["exporters"], "alert_rules") && all(p["processors"], "memory_limiter", "batch")
	}
	for _, v := range pipelines {
		p, _ := v.(map[string]any)
		for _, id := range texts(p["receivers"]) {
			if typ(id) == "inference_log" {
				receivers[id] = (receivers[id] || !has(receivers, id)) && alone(p)
			}
		}
		for _, id := range texts(p["exporters"]) {
			if typ(id) == "alert_rules" {
				connectors[id] = (connectors[id] || !has(connectors, id)) && alone(p)
			}
		}
	}
	// One that goes by the pipeline takes all others along: no series must come by both roads, and none by neither.
	for _, m := range []map[string]bool{receivers, connectors} {
		for _, ok := range m {
			if !ok {
				return
			}
		}
	}
	if len(receivers) == 0 || len(connectors) == 0 {
		return
	}
	for id := range receivers {
		put(l.section("receivers", id), "send", value{"nothing", false})
	}
	for id := range connectors {
		put(l.section("connectors", id), "from", value{"board", false})
	}
}

func has(m map[string]bool, key string) bool { _, ok := m[key]; return ok }

// typ is the type in the name of a component.
func typ(id string) string {
	t, _, _ := strings.Cut(id, "/")
	return strings.TrimSpace(t)
}

func texts(list any) []string {
	items, _ := list.([]any)
	out := make([]string, len(items))
	for i, x := range items {
		out[i] = fmt.Sprint(x)
	}
	return out
}

// all says whether every component of a list is of one of these types.
func all(list any, types ...string) bool {
	return !slices.ContainsFunc(texts(list), func(id string) bool { return !slices.Contains(types, typ(id)) })
}
