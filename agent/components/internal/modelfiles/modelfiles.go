// Package modelfiles loads the model files that a component's configuration names.
//
// Load is all or nothing: when one file is bad, the error names every problem of every file, and no model comes
// back, so that a caller keeps what it runs. It keeps nothing between calls and does not watch.
package modelfiles

import (
	"errors"
	"fmt"
	"os"

	"github.com/plumbline-ml/plumbline/internal/monitor"
)

// Load reads folders of model files and single model files, in order.
func Load(paths []string) ([]*monitor.Model, error) {
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
	seen := map[string]string{}
	for _, m := range models {
		if first, ok := seen[m.Name]; ok {
			return nil, fmt.Errorf("%s: model %q is in %s already; give one of them another name", m.File, m.Name, first)
		}
		seen[m.Name] = m.File
	}
	return models, nil
}
