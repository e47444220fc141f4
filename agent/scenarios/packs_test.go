package scenarios

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/rules"
)

func TestTheScenariosOfTheShippedPacksComeTrue(t *testing.T) {
	files, err := filepath.Glob("../../rules/packs/tests/scenarios/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenario files: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			if r := rules.Test(context.Background(), []string{file}, rules.TestOptions{Fixtures: Fixtures{}}); !r.OK() {
				var b strings.Builder
				_ = r.Render(&b)
				t.Error(b.String())
			}
		})
	}
}
