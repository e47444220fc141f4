package monitor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// TestTheModelFilePageNamesEveryKey asks the decoder for its keys by writing an unknown one at every level.
func TestTheModelFilePageNamesEveryKey(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testkit.RepoRoot(t), "docs", "models.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = ParseModel("m.yaml", []byte(`
nonsense: 1
logs: {nonsense: 1, limits: {nonsense: 1}}
fields: {nonsense: 1, timestamp: {nonsense: 1}}
predictions: {score: {nonsense: 1}, label: {nonsense: 1}}
features: [{nonsense: 1}]
segments: [{nonsense: 1}]
truth: {nonsense: 1}
reference: {nonsense: 1}
tolerance: {nonsense: 1}
privacy: {nonsense: 1}
`))
	levels := 0
	for _, p := range Problems(err) {
		keys, ok := strings.CutPrefix(p.Expected, "one of ")
		if !ok || !strings.HasSuffix(p.Key, "nonsense") {
			continue
		}
		levels++
		prefix := strings.TrimSuffix(p.Key, "nonsense")
		for _, key := range strings.Split(keys, ", ") {
			named := false
			for _, form := range []string{"`" + prefix + key + "`", "`" + key + "`", "`" + key + ".", "`" + prefix + key + ".", "{" + key + ":", "{" + key + ",", ", " + key + ",", ", " + key + "}", ", " + key + ":"} {
				named = named || strings.Contains(string(page), form)
			}
			if !named {
				t.Errorf("docs/models.md does not name %s%s", prefix, key)
			}
		}
	}
	if levels != 13 {
		t.Errorf("%d levels were asked for their keys: %v", levels, err)
	}
}

// TestTheModelFilesOfThePageAreGood parses every whole model file on the page.
func TestTheModelFilesOfThePageAreGood(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(testkit.RepoRoot(t), "docs", "models.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(page), "```yaml\n")[1:]
	if len(blocks) < 2 {
		t.Fatal("the page shows no model file")
	}
	for _, b := range blocks {
		text, _, _ := strings.Cut(b, "```")
		if _, err := ParseModel("docs/models.md", []byte(text)); err != nil {
			t.Errorf("%v\n%s", err, text)
		}
	}
}
