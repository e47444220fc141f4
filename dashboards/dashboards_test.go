package dashboards

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// grafana fills in what Grafana fills in before it sends a query.
func grafana(expr string) string {
	return strings.NewReplacer("$__rate_interval", "1m", "$__range", "1h", "$model", "m", "$node", ".*", "$window", "10m", "$feature", "f").Replace(expr)
}

func TestEveryExpressionParsesAndEveryMetricInItIsInTheCatalogue(t *testing.T) {
	for name, d := range All() {
		queries := d.Queries()
		if len(queries) < 10 {
			t.Errorf("%s: only %d queries", name, len(queries))
		}
		for _, text := range queries {
			expr, err := parser.NewParser(parser.Options{}).ParseExpr(grafana(text))
			if err != nil {
				t.Errorf("%s: %s: %v", name, text, err)
				continue
			}
			parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
				if sel, ok := node.(*parser.VectorSelector); ok {
					m, known := catalog.Series(sel.Name)
					if !known {
						t.Errorf("%s: %s asks for %s, which is not in the catalogue", name, text, sel.Name)
						return nil
					}
					for _, matcher := range sel.LabelMatchers {
						if !knownLabel(m, matcher.Name) {
							t.Errorf("%s: %s matches on label %s, which %s does not have", name, text, matcher.Name, m.Name)
						}
					}
				}
				return nil
			})
		}
	}
}

func knownLabel(m *catalog.Metric, label string) bool {
	switch label {
	case "__name__", "instance", "job":
		return true
	case "le":
		return true
	}
	for _, l := range m.Labels {
		if l == label {
			return true
		}
	}
	return false
}

func TestTheCommittedJSONIsWhatTheBuildersRender(t *testing.T) {
	for name, d := range All() {
		want, err := d.Render()
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the builders render (%v): run make gen", name, err)
		}
	}
}

func TestPanelsDoNotOverlapAndHaveTheirOwnIDs(t *testing.T) {
	for name, d := range All() {
		ids := map[int]bool{}
		taken := map[[2]int]string{}
		for _, p := range d.Panels {
			if ids[p.ID] {
				t.Errorf("%s: panel id %d twice", name, p.ID)
			}
			ids[p.ID] = true
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" || x >= full {
						t.Fatalf("%s: %q overlaps %q at column %d, line %d", name, p.Title, other, x, y)
					}
					taken[[2]int{x, y}] = p.Title + " "
				}
			}
		}
	}
}
