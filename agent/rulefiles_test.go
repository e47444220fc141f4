package agent

import (
	"context"
	"testing"
)

func TestRuleTestsPlayScenariosFromTheCommandLine(t *testing.T) {
	r, err := TestRules(context.Background(), []string{"../rules/packs/tests/scenarios"}, "traffic stops$")
	if err != nil {
		t.Fatal(err)
	}
	played := 0
	for _, f := range r.Files {
		played += len(f.Tests)
	}
	if !r.OK() || played != 1 {
		t.Errorf("%d scenarios played, want the one that matches: %+v", played, r)
	}
}
