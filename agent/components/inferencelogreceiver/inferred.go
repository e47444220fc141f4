package inferencelogreceiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/plumbline-ml/plumbline/internal/infer"
	"github.com/plumbline-ml/plumbline/internal/monitor"
)

const (
	// inferredName is the model file that is written for "include", beside the state.
	inferredName = "inferred-model.yaml"
	// enoughLines are seen before a model is inferred, unless the logs stand still with fewer.
	enoughLines = 50
	// lookEvery is the time between two looks at logs that do not say enough yet.
	lookEvery = 2 * time.Second
	// learnQuickly is the reference of an inferred model: somebody who tries Plumbline on a log wants to see something today.
	learnQuickly = "5000 records"
)

// inferrer writes a model file for logs that have none. What it writes is then watched as any model file is: the user
// may correct it while the agent runs.
type inferrer struct {
	include []string // absolute
	format  string
	file    string
	tell    func(file string, text []byte) // may be nil
	log     *slog.Logger
}

func newInferrer(c *Config, dir string, tell func(string, []byte), log *slog.Logger) (*inferrer, error) {
	f := &inferrer{format: c.Format, file: filepath.Join(dir, inferredName), tell: tell, log: log}
	for _, g := range c.Include {
		abs, err := filepath.Abs(g)
		if err != nil {
			return nil, fmt.Errorf("include %q: %w", g, err)
		}
		f.include = append(f.include, abs)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf(`create the folder of key "state_dir": %w`, err)
	}
	// A file of an earlier run holds if it is about the same logs: its counts go on.
	switch m, err := monitor.LoadModel(f.file); {
	case errors.Is(err, os.ErrNotExist):
	case err == nil && !slices.Equal(m.Logs.Include, f.include):
		if err := os.Remove(f.file); err != nil {
			return nil, fmt.Errorf("remove the model that was inferred for other logs: %w", err)
		}
	}
	return f, nil
}

// exists says that the model file is there.
func (f *inferrer) exists() bool {
	_, err := os.Stat(f.file)
	return err == nil
}

// run looks at the logs until it can write the file.
func (f *inferrer) run(ctx context.Context) {
	look := time.NewTimer(0)
	defer look.Stop()
	before, said := -1, ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		lines, err := infer.Sample(ctx, f.include)
		if err == nil && (len(lines) >= enoughLines || len(lines) > 0 && len(lines) == before) {
			if err = f.write(lines); err == nil {
				return
			}
		}
		if err == nil && len(lines) == 0 && said == "" {
			said = "none"
			f.log.Warn("no log line yet; waiting for one", "include", f.include)
		}
		if err != nil && ctx.Err() == nil && said != err.Error() {
			said = err.Error()
			f.log.Warn("no model could be inferred; looking again as the logs grow", "include", f.include, "err", err)
		}
		before = len(lines)
		look.Reset(lookEvery)
	}
}

// write puts the file in its place at once, so that nobody reads half of it.
func (f *inferrer) write(lines [][]byte) error {
	text, err := infer.Model(lines, infer.Options{
		Name: infer.Name(f.include[0]), Include: f.include, Format: f.format, Learn: learnQuickly,
		Header: fmt.Sprintf("Inferred from %d lines. Correct what is wrong: changes take effect at once.\nA copy in a folder of your own, given with --models, is yours for good.", len(lines)),
	})
	if err != nil {
		return err
	}
	if err := os.WriteFile(f.file+".tmp", text, 0o600); err != nil {
		return err
	}
	if err := os.Rename(f.file+".tmp", f.file); err != nil {
		return err
	}
	f.log.Info("inferred a model", "file", f.file, "lines", len(lines))
	if f.tell != nil {
		f.tell(f.file, text)
	}
	return nil
}
