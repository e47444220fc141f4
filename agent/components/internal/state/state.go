// Package state keeps the one piece of state of a component in a snapshot file.
//
// Components of one agent share a folder: each has a file of its own there, and a component that is configured more
// than once has a sub-folder for each further name. A File is safe for concurrent use and holds a lock until Close,
// so that two agents never write the same state. It is small adapters' business only: the engine's state is kept by
// internal/ingest.
package state

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"

	"go.opentelemetry.io/collector/component"

	"github.com/plumbline-ml/plumbline/internal/snapshot"
)

const section = "state"

// Dir is the folder for the state of a component: dir itself, or a sub-folder when the component has a name.
func Dir(dir string, id component.ID) string {
	if id.Name() == "" {
		return dir
	}
	return filepath.Join(dir, strings.ReplaceAll(id.String(), "/", "_"))
}

// File is the state of one component.
type File struct{ store *snapshot.Store }

// Open opens or creates the file name in the component's folder. A damaged file is recovered as far as it goes and
// never stops the start.
func Open(dir string, id component.ID, name string, log *slog.Logger) (*File, error) {
	store, report, err := snapshot.Open(Dir(dir, id), name, snapshot.Options{})
	if err != nil {
		return nil, fmt.Errorf(`open state (key "state_dir"): %w`, err)
	}
	if len(report.Recovered) > 0 {
		log.Warn("state was damaged and recovered from an earlier commit", "file", name, "reasons", strings.Join(report.Recovered, ","))
	}
	return &File{store}, nil
}

// Load returns what was saved last, or nil.
func (f *File) Load() ([]byte, error) {
	data, _ := f.store.Section(section)
	return data, nil
}

// Save replaces the state. On an error the one before stays.
func (f *File) Save(data []byte) error {
	return f.store.Commit([]snapshot.Section{{Name: section, Data: data}}, nil)
}

// Close gives the file back.
func (f *File) Close() error { return f.store.Close() }
