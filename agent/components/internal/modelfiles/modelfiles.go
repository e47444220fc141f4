// Package modelfiles loads the model files that a component's configuration names.
//
// Load is all or nothing: when one file is bad, the error names every problem of every file, and no model comes
// back, so that a caller keeps what it runs. It keeps nothing between calls and does not watch. The number of models is bounded,
// because every one of them holds memory and series: DefaultMax, unless the caller says otherwise.
package modelfiles

import (
	"errors"
	"fmt"
	"os"

	"github.com/plumbline-ml/plumbline/internal/monitor"
)

// DefaultMax is how many models one component may have: a model with 50 features holds about 4 MB.
const DefaultMax = 200

// ErrTooMany says that there are more models than the component may have.
var ErrTooMany = errors.New("too many models")

// Load reads folders of model files and single model files, in order: at most so many, where 0 means DefaultMax.
func Load(paths []string, most int) ([]*monitor.Model, error) {
	if most == 0 {
		most = DefaultMax
	}
	var models []*monitor.Model
	var errs []error
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if info.IsDir() {
			found, err := monitor.LoadModels(path)
			models, errs = append(models, found...), append(errs, err)
			continue
		}
		m, err := monitor.LoadModel(path)
		models, errs = append(models, m), append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	if len(models) > most {
		return nil, fmt.Errorf("%w: %d, at most %d; set max_models higher, or give some of them to another agent", ErrTooMany, len(models), most)
	}
	seen := map[string]string{}
	for _, m := range models {
		if first, ok := seen[m.Name]; ok {
			return nil, fmt.Errorf("%s: model %q is in %s already; give one of them another name", m.File, m.Name, first)
		}
		seen[m.Name] = m.File
	}
	return models, nil
}
