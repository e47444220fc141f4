package detection

import (
	"slices"

	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
)

// Cases returns every case that is played to the engine, in the order of the table. data is the folder of the shared test
// data; without it the cases over real logs are left out.
func Cases(data string) []simulate.Case {
	return slices.Concat(publishedRates(), publishedNumbers(), changeCases(), adversaryCases(), noChangeCases(), wideCases(), realCases(data))
}
