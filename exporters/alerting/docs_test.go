package alerting

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

var yamlBlock = regexp.MustCompile("(?s)```yaml\n(.*?)```")

func TestTheRoutesOfTheDocumentationLoad(t *testing.T) {
	doc, err := os.ReadFile(filepath.Join(testkit.RepoRoot(t), "docs", "routes.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := yamlBlock.FindAllSubmatch(doc, -1)
	if len(blocks) == 0 {
		t.Fatal("no example")
	}
	for i, b := range blocks {
		if _, err := New(Options{Routes: b[1]}); err != nil {
			t.Errorf("example %d: %v", i, err)
		}
	}
	if !strings.Contains(string(doc), BuiltinRoutes[strings.Index(BuiltinRoutes, "inhibit_rules:"):strings.Index(BuiltinRoutes, "\nreceivers:")]) {
		t.Error("docs/routes.md does not show the inhibition that is built in")
	}
	var walk func(k *keys)
	seen := map[*keys]bool{}
	walk = func(k *keys) {
		if k == nil || seen[k] {
			return
		}
		seen[k] = true
		for name, below := range k.in {
			if !strings.Contains(string(doc), "`"+name+"`") {
				t.Errorf("docs/routes.md does not name the key %q", name)
			}
			if name != "routes" {
				walk(below)
			}
		}
	}
	walk(routesSchema)
}
