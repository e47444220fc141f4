// Package requests is how a person speaks to a running agent: by a file in a folder beside its state. Whoever may write there may
// change what the agent knows anyway, and nobody else may; the listener changes nothing.
//
// The promise: a request is applied once, also over a crash, because the engine remembers the IDs of those that it has
// committed; and its answer is written after the commit that holds it. Several components of one agent may serve one folder:
// each takes what is about its own models. A request of a model that nobody has is refused after a few seconds. A file
// is at most 16 kB, at most a hundred are served in one go; a Server belongs to one goroutine.
//
// It does not decide what is accepted; that is internal/monitor's.
package requests

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/internal/monitor"
)

const (
	folder          = "requests"
	maxRequestBytes = 16 << 10
	maxRequests     = 100 // in one tick
	// patience is how long a request about an unknown model waits for another component of the agent to take it.
	patience = 5 * time.Second
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
	dir := filepath.Join(stateDir, folder)
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

// Server serves the requests of one state folder.
type Server struct {
	dir     string
	log     *slog.Logger
	served  []served             // that wait for the commit
	unknown map[string]time.Time // by name: since when a request about a model that is not ours waits
}

// New makes a server. Nothing is read or written before Serve; a nil logger says nothing.
func New(stateDir string, log *slog.Logger) *Server {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Server{dir: filepath.Join(stateDir, folder), log: log, unknown: map[string]time.Time{}}
}

// Serve applies the requests that wait. The caller commits the engine then, and calls Answer when that succeeded.
func (s *Server) Serve(engine *monitor.Engine, now time.Time) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		clear(s.unknown)
		return // nobody has asked for anything
	}
	for name := range s.unknown {
		if !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == name+".request" }) {
			delete(s.unknown, name) // somebody else has served it
		}
	}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".request")
		if !ok || len(s.served) >= maxRequests {
			continue
		}
		path := filepath.Join(s.dir, name)
		if slices.ContainsFunc(s.served, func(o served) bool { return o.path == path }) {
			continue // its commit has failed so far
		}
		answer := Answer{ID: name}
		r, err := read(path + ".request")
		if err == nil && engine.Model(r.Model) == nil {
			since, waits := s.unknown[name]
			if !waits && len(s.unknown) < maxRequests {
				s.unknown[name] = now
			}
			if !waits || now.Sub(since) < patience {
				continue
			}
		}
		if err == nil {
			answer.Columns, err = engine.Accept(monitor.Acceptance{ID: name, Model: r.Model, Feature: r.Feature, Author: r.Author, Reason: r.Reason})
		}
		if err != nil {
			answer.Error = err.Error()
			s.log.Warn("a request was refused", "request", name, "error", err)
		}
		s.served = append(s.served, served{path, answer})
	}
}

func read(path string) (Request, error) {
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

// Answer tells what was committed and takes the requests away.
func (s *Server) Answer() {
	for _, o := range s.served {
		if data, err := json.Marshal(o.answer); err == nil {
			if err := os.WriteFile(o.path+".tmp", data, 0o600); err == nil {
				_ = os.Rename(o.path+".tmp", o.path+".answer")
			}
		}
		if err := os.Remove(o.path + ".request"); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.log.Warn("a request that was served cannot be removed", "error", err)
		}
	}
	s.served = nil
}
