package requests

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

const model = `
model: m
logs: {include: /l, format: json}
fields: {timestamp: ts}
predictions: {label: {path: label, positive: spam}}
reference: {learn: 2000 records, page_while_learning: true}
volume: off
`

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func newEngine(t *testing.T, names ...string) *monitor.Engine {
	t.Helper()
	var models []*monitor.Model
	for _, name := range names {
		m, err := monitor.ParseModel(name+".yaml", []byte(strings.Replace(model, "model: m", "model: "+name, 1)))
		if err != nil {
			t.Fatal(err)
		}
		models = append(models, m)
	}
	e, err := monitor.NewEngine(monitor.EngineOptions{Models: models})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// alarmed is an engine whose model m stands in alarm: five times as much spam for an hour and a half.
func alarmed(t *testing.T) *monitor.Engine {
	t.Helper()
	e := newEngine(t, "m")
	in := e.Model("m")
	p := in.Plan().NewParser()
	var rec parse.Record
	rng := rand.New(rand.NewPCG(1, 2))
	now := start
	for i := range 3 * 3600 {
		spam := .05
		if i > 5400 {
			spam = .25
		}
		label := "ham"
		if rng.Float64() < spam {
			label = "spam"
		}
		p.Line(fmt.Appendf(nil, `{"ts":%q,"label":%q}`, now.Format(time.RFC3339), label), int64(i), &rec)
		in.Observe(&rec, in.Plan().Slots(), now)
		now = now.Add(time.Second)
		e.Advance(now)
	}
	return e
}

var ask = Request{ID: "20260302T030000-abc", Model: "m", Author: "jo", Reason: "a new client"}

// leave asks and returns the path of the answer.
func leave(t *testing.T, dir string, r Request) string {
	t.Helper()
	path, err := Ask(dir, r)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func answered(t *testing.T, path string) (a Answer, ok bool) {
	t.Helper()
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return a, false
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &a); err != nil {
		t.Fatal(err)
	}
	return a, true
}

func waits(t *testing.T, answer string) bool {
	t.Helper()
	_, err := os.Stat(strings.TrimSuffix(answer, ".answer") + ".request")
	return err == nil
}

func TestARequestIsAnsweredAfterItsCommitAndThenGone(t *testing.T) {
	dir := t.TempDir()
	e, s := alarmed(t), New(dir, nil)
	s.Serve(e, start) // nobody has asked
	path := leave(t, dir, ask)
	s.Serve(e, start)
	s.Serve(e, start) // its commit has failed: it is not applied again
	if _, ok := answered(t, path); ok || !waits(t, path) {
		t.Error("it is answered before it is committed")
	}
	e.Sections()
	s.Answer()
	a, ok := answered(t, path)
	if !ok || a.ID != ask.ID || a.Error != "" || !slices.Contains(a.Columns, "label") || waits(t, path) {
		t.Errorf("%+v, %v; the request is still there: %v", a, ok, waits(t, path))
	}
}

func TestARequestThatWasCommittedBeforeACrashIsNotAppliedAgain(t *testing.T) {
	dir := t.TempDir()
	e := alarmed(t)
	path := leave(t, dir, ask)
	New(dir, nil).Serve(e, start)
	state := map[string][]byte{}
	changed, _ := e.Sections()
	var names []string
	for _, c := range changed {
		state[c.Name] = slices.Clone(c.Data)
		names = append(names, c.Name)
	}
	// Here the process dies: committed, and nobody was told.
	next := newEngine(t, "m")
	if err := next.Restore(names, func(name string) ([]byte, bool) { d, ok := state[name]; return d, ok }); err != nil {
		t.Fatal(err)
	}
	s := New(dir, nil)
	s.Serve(next, start)
	s.Answer()
	if a, ok := answered(t, path); !ok || a.Error != "" || len(a.Columns) > 0 || waits(t, path) {
		t.Errorf("%+v, %v: want an answer without columns, they were replaced before", a, ok)
	}
}

// Two components of an agent share a folder: the one that has the model takes the request, the other leaves it alone.
func TestARequestGoesToWhoHasTheModelAndIsRefusedWhenNobodyDoes(t *testing.T) {
	dir := t.TempDir()
	e, other := alarmed(t), newEngine(t, "other")
	mine, theirs := New(dir, nil), New(dir, nil)
	path := leave(t, dir, ask)
	theirs.Serve(other, start)
	theirs.Answer()
	if !waits(t, path) {
		t.Fatal("taken by who does not know the model")
	}
	mine.Serve(e, start.Add(time.Second))
	mine.Answer()
	if a, ok := answered(t, path); !ok || a.Error != "" {
		t.Errorf("%+v, %v", a, ok)
	}
	nobody := ask
	nobody.ID, nobody.Model = "x", "nobody's"
	path = leave(t, dir, nobody)
	for i, want := range []bool{false, false, true} {
		theirs.Serve(other, start.Add(time.Duration(i)*patience/2+time.Minute))
		theirs.Answer()
		a, ok := answered(t, path)
		if ok != want || want && !strings.Contains(a.Error, "no model") {
			t.Errorf("look %d: %+v, %v", i, a, ok)
		}
	}
	theirs.Serve(other, start.Add(2*time.Minute))
	if len(theirs.unknown) != 0 {
		t.Errorf("%d requests that are gone are remembered", len(theirs.unknown))
	}
}

func TestWhatIsNoRequestIsRefusedWithoutItsContent(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, folder)
	if err := os.MkdirAll(filepath.Join(folder, "folder.request"), 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("garbage.request", "secret-4711")
	write("long.request", `{"id":"`+strings.Repeat("s", maxRequestBytes)+`"}`)
	write("key.request", `{"id":"k","model":"m","author":"a","reason":"r","secret-4711":1}`)
	write("nobody.request", `{"id":"n","model":"m","reason":"r"}`)
	write("notes.txt", "not ours")
	e := newEngine(t, "m")
	s := New(dir, nil)
	s.Serve(e, start)
	s.Answer()
	for _, name := range []string{"folder", "garbage", "long", "key", "nobody"} {
		a, ok := answered(t, filepath.Join(folder, name+".answer"))
		if !ok || a.Error == "" || strings.Contains(a.Error, "4711") {
			t.Errorf("%s: %+v, %v", name, a, ok)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "notes.txt")); err != nil {
		t.Error("a file that is no request is gone")
	}
	for i := range maxRequests + 20 {
		write(fmt.Sprintf("many%03d.request", i), "x")
	}
	s.Serve(e, start)
	if len(s.served) > maxRequests {
		t.Errorf("%d at once", len(s.served))
	}
}
