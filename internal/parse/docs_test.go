package parse

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

func TestEveryFormatAndItsFieldsStandInTheDocs(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(testkit.RepoRoot(t), "docs", "formats.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range Formats() {
		_, row, ok := strings.Cut(string(text), "\n| `"+format+"` | ")
		if !ok {
			t.Errorf("docs/formats.md has no line for %s", format)
			continue
		}
		row, _, _ = strings.Cut(row, "\n")
		columns, _ := Preset(format)
		for _, c := range columns {
			if name := strings.TrimSuffix(c.Path, ".*"); c.Role != RoleTime && c.Role != RoleIdentifier && name != "*" && !strings.Contains(row, name) {
				t.Errorf("the line for %s does not name %s", format, c.Path)
			}
		}
	}
}
