package agent

import (
	"context"
	"fmt"

	"github.com/plumbline-ml/plumbline/internal/infer"
)

// InitModel writes the text of a model file for logs that have none yet, from a sample of their lines. name and format
// may be empty: they are inferred too. The text holds no value of a record.
func InitModel(ctx context.Context, globs []string, name, format string) ([]byte, error) {
	lines, err := infer.Sample(ctx, globs)
	if err != nil {
		return nil, err
	}
	if name == "" {
		name = infer.Name(globs[0])
	}
	return infer.Model(lines, infer.Options{
		Name: name, Include: globs, Format: format,
		Header: fmt.Sprintf("Inferred from %d lines. Read it and correct what is wrong.", len(lines)),
	})
}
