package detection

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// The full table takes minutes (make detection). Here one replication of some cases must not be outside its promise.
func TestTheEngineKeepsItsPromisesOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("simulation")
	}
	data := filepath.Join(filepath.Dir(testkit.RepoRoot(t)), "shared", "data")
	if _, err := os.Stat(data); err != nil {
		data = ""
	}
	cases := Cases(data)
	for i, c := range cases {
		if c.Cost > 1000 || c.Group == cases[0].Group && i%3 != 0 {
			continue
		}
		var tally simulate.Tally
		tally.Add(c.Run(c.RNG(1, 0)))
		if v := c.Judge(&tally); v == simulate.Broken || c.MaxDelay() > 0 && tally.Alarmed() == 0 {
			t.Errorf("%s: %s: %s: %+v", c.Group, c.Name, v, tally)
		}
	}
}

func TestAReplicationIsAPureFunctionOfItsSeed(t *testing.T) {
	for _, c := range changeCases()[:1] {
		if a, b := c.Run(c.RNG(7, 3)), c.Run(c.RNG(7, 3)); a != b {
			t.Errorf("%s: %+v, then %+v", c.Name, a, b)
		}
	}
}

func TestCasesHaveNamesOfTheirOwnAndPromiseSomething(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range append(simulate.All(), Cases("")...) {
		id := c.Group + "/" + c.Name
		if seen[id] {
			t.Errorf("%s is there twice", id)
		}
		seen[id] = true
		if c.Allowed == 0 && c.MaxDelay() == 0 && !c.Silent && !c.Contrast {
			t.Errorf("%s promises nothing", id)
		}
	}
}
