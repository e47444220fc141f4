package detection

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// The full table takes some twenty minutes (make detection). Here one replication of some cases must not be outside its promise, and
// the hardest family in which nothing changes must keep its budget.
func TestTheEngineKeepsItsPromisesOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("simulation")
	}
	data := filepath.Join(filepath.Dir(testkit.RepoRoot(t)), "shared", "data")
	if _, err := os.Stat(data); err != nil {
		data = ""
	}
	groups := map[string]int{}
	quiet := 0
	for _, c := range Cases(data) {
		n := groups[c.Group]
		groups[c.Group]++
		calm := c.Allowed > 0 && c.Name == families()[len(families())-1].name+": "+budgets[0].text
		if !calm && (c.Cost > 1000 || n%5 != 0) {
			continue
		}
		var tally simulate.Tally
		tally.Add(c.Run(c.RNG(1, 0)))
		v := c.Judge(&tally)
		if v == simulate.Broken || c.MaxDelay() > 0 && tally.Alarmed() == 0 {
			t.Errorf("%s: %s: %s: %+v", c.Group, c.Name, v, tally)
		}
		if calm {
			if quiet++; v != simulate.Kept {
				t.Errorf("%s: %s: %s: %+v", c.Group, c.Name, v, tally)
			}
		}
	}
	if quiet != 1 {
		t.Errorf("%d families without a change were played", quiet)
	}
}

// The detectors that are simulated alone tolerate what the engine does by default, and the cases that count on the defaults
// are right about them.
func TestSimulatedTolerancesAreThoseOfAModelFile(t *testing.T) {
	tol := newModel(fullModel, changeLearn, changeBudget, changeWindows).Tolerance
	if tol.Odds != simulate.ToleranceOdds || tol.Distribution != simulate.ToleranceDistribution || tol.Share != simulate.ToleranceShare {
		t.Errorf("the model file has %+v", tol)
	}
}

func TestAReplicationIsAPureFunctionOfItsSeed(t *testing.T) {
	for _, c := range append(changeCases()[:1], publishedNumbers()[:1]...) {
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
