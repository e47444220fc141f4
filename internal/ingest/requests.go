package ingest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plumbline-ml/plumbline/internal/monitor"
)

// Requests of a person to the running agent are files in a folder beside its state: whoever may write there may change
// what the agent knows anyway, and nobody else may. The listener changes nothing.
const (
	requestsFolder  = "requests"
	maxRequestBytes = 16 << 10
	maxRequests     = 100 // in one tick
)

// Request is one file: what `plumbline reference accept` writes.
type Request struct {
	ID      string `json:"id"`
	Model   string `json:"model"`
	Feature string `json:"feature,omitempty"`
	Author  string `json:"author"`
	Reason  string `json:"reason"`
}

// Answer is what the agent writes beside a request once it is committed.
type Answer struct {
	ID      string   `json:"id"`
	Columns []string `json:"columns,omitempty"` // that have another reference now
	Error   string   `json:"error,omitempty"`   // why it was refused
}

// Ask leaves a request for the agent whose state is in a folder. It returns the file that the answer will be in.
func Ask(stateDir string, r Request) (answer string, err error) {
	dir := filepath.Join(stateDir, requestsFolder)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("leave a request: %w", err)
	}
	data, err := json.Marshal(r)
	if err != nil {
		return "", fmt.Errorf("leave a request: %w", err)
	}
	path := filepath.Join(dir, r.ID)
	if err := os.WriteFile(path+".tmp", data, 0o600); err != nil {
		return "", fmt.Errorf("leave a request: %w", err)
	}
	if err := os.Rename(path+".tmp", path+".request"); err != nil {
		return "", fmt.Errorf("leave a request: %w", err)
	}
	return path + ".answer", nil
}

// served is a request that was applied and waits for its commit.
type served struct {
	path   string // without the ending
	answer Answer
}

// serve applies the requests that wait. One that was applied before a crash is known by its ID in the snapshot, so it
// is applied once.
func (l *Loop) serve() {
	dir := filepath.Join(l.opts.StateDir, requestsFolder)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return // nobody has asked for anything
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".request")
		if !ok || len(l.served) >= maxRequests {
			continue
		}
		path := filepath.Join(dir, name)
		if slices.ContainsFunc(l.served, func(s served) bool { return s.path == path }) {
			continue // its commit has failed so far
		}
		s := served{path: path, answer: Answer{ID: name}}
		r, err := readRequest(path + ".request")
		if err == nil {
			s.answer.Columns, err = l.engine.Accept(monitor.Acceptance{ID: name, Model: r.Model, Feature: r.Feature, Author: r.Author, Reason: r.Reason})
		}
		if err != nil {
			s.answer.Error = err.Error()
			l.log.Warn("a request was refused", "request", name, "error", err)
		}
		l.served = append(l.served, s)
	}
}

func readRequest(path string) (Request, error) {
	var r Request
	f, err := os.Open(path)
	if err != nil {
		return r, fmt.Errorf("read request: %w", err)
	}
	defer f.Close()
	if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
		return r, errors.New("read request: not a plain file")
	}
	d := json.NewDecoder(io.LimitReader(f, maxRequestBytes))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return r, errors.New("read request: not what plumbline reference accept writes")
	}
	return r, nil
}

// answer tells what was committed and takes the requests away.
func (l *Loop) answer() {
	for _, s := range l.served {
		if data, err := json.Marshal(s.answer); err == nil {
			if err := os.WriteFile(s.path+".tmp", data, 0o600); err == nil {
				_ = os.Rename(s.path+".tmp", s.path+".answer")
			}
		}
		if err := os.Remove(s.path + ".request"); err != nil && !errors.Is(err, os.ErrNotExist) {
			l.log.Warn("a request that was served cannot be removed", "error", err)
		}
	}
	l.served = nil
}
