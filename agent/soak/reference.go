package soak

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/plumbline-ml/plumbline/agent/reference"
)

// reference builds the reference of a log's model from earlier records, and writes the model file.
func (s *stream) reference(ctx context.Context) error {
	var past expected
	var lines []byte
	at := time.Now().Add(-time.Hour)
	for i := range int64(5000) {
		lines = append(past.appendRecord(lines, i*7919, at), '\n') // 7919 is prime: both halves of the serial take all values
	}
	earlier, file := s.a.path(s.model+"-earlier.jsonl"), s.a.path(s.model+"-reference.json")
	if err := os.WriteFile(earlier, lines, 0o600); err != nil {
		return err
	}
	model := filepath.Join(s.a.place.Models, s.model+".yaml")
	if err := os.WriteFile(model, fmt.Appendf(nil, modelFile, s.model, s.live, file), 0o600); err != nil {
		return err
	}
	ref, err := reference.Build(ctx, reference.Options{Model: model, Files: []string{earlier}})
	if err != nil {
		return err
	}
	return os.WriteFile(file, ref.JSON, 0o600)
}
