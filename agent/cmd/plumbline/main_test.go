package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// call runs one command line.
func call(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, strings.NewReader(""), &o, &e)
	return code, o.String(), e.String()
}

func TestMistakesOnTheCommandLineEndWithTwoAndASuggestion(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"rnu"}, `did you mean "run"?`},
		{[]string{"comp"}, `did you mean "compare"?`},
		{[]string{"frobnicate"}, "there are backtest"},
		{[]string{"run", "--modle", "x"}, "did you mean --models?"},
		{[]string{"run", "--models"}, "needs an argument"},
		{[]string{"run", "models"}, `takes no arguments, got "models"`},
		{[]string{"run", "--models", "/nowhere"}, "--models /nowhere: does not exist"},
		{[]string{"run", "--interval", "soon"}, "invalid argument"},
		{[]string{"version", "--output", "xml"}, "want table or json"},
	} {
		code, _, errOut := call(t, c.args...)
		if code != exitUsage || !strings.Contains(errOut, c.want) || !strings.Contains(errOut, "--help") {
			t.Errorf("%v: code %d, %q; want 2 and %q", c.args, code, errOut, c.want)
		}
	}
}

func TestEveryCommandSaysWhatItDoes(t *testing.T) {
	root := newRoot()
	seen := map[string]bool{}
	for _, c := range root.Commands() {
		if c.Short == "" || seen[c.Name()] {
			t.Errorf("command %s has no text or stands twice", c.Name())
		}
		seen[c.Name()] = true
	}
	for _, name := range []string{"run", "components", "version", "check", "config", "exit-codes"} {
		if !seen[name] {
			t.Errorf("command %s is missing", name)
		}
	}
	if code, out, _ := call(t, "help", "exit-codes"); code != exitOK || !strings.Contains(out, "2  The command line was wrong") {
		t.Errorf("help exit-codes: %d %q", code, out)
	}
	if code, out, _ := call(t); code != exitOK || !strings.Contains(out, "plumbline run --logs") {
		t.Errorf("without arguments: %d %q", code, out)
	}
}

func TestComponentsAndVersionHaveATableAndJSON(t *testing.T) {
	if code, out, _ := call(t, "components"); code != exitOK || !strings.Contains(out, "inference_log") {
		t.Errorf("components: %d %q", code, out)
	}
	var list []struct {
		Kind, Name string
		Stability  map[string]string
	}
	code, out, _ := call(t, "components", "--output", "json")
	if err := json.Unmarshal([]byte(out), &list); code != exitOK || err != nil || len(list) < 15 {
		t.Errorf("components as JSON: %d, %v, %d entries", code, err, len(list))
	}
	if code, out, _ := call(t, "version"); code != exitOK || !strings.HasPrefix(out, "plumbline ") {
		t.Errorf("version: %d %q", code, out)
	}
	var v map[string]string
	code, out, _ = call(t, "version", "-o", "json")
	if err := json.Unmarshal([]byte(out), &v); code != exitOK || err != nil || v["version"] == "" || v["go"] == "" {
		t.Errorf("version as JSON: %d, %v, %v", code, err, v)
	}
}

func TestCheckEndsWithOneWhenItFindsAnErrorAndNamesThePlace(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "m.yaml")
	good := "model: m\nlogs: {include: [a.log], format: json}\npredictions: {score: {path: s}}\nfalse_pages: 1 per 30d\n"
	if err := os.WriteFile(file, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errOut := call(t, "check", "--models", dir, "--state", t.TempDir()); code != exitOK || !strings.HasPrefix(out, "ok: 1 model") {
		t.Errorf("a good file: %d %q %q", code, out, errOut)
	}
	if err := os.WriteFile(file, []byte("modell: m\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := call(t, "check", "--models", dir, "--state", t.TempDir()); code != exitFailed || !strings.Contains(out, file+":1:1: error") {
		t.Errorf("a bad file: %d %q", code, out)
	}
	code, out, _ := call(t, "check", "--models", dir, "--state", t.TempDir(), "--output", "json")
	var r struct {
		Findings []struct {
			File   string
			Line   int
			Column int
		}
	}
	if err := json.Unmarshal([]byte(out), &r); code != exitFailed || err != nil || len(r.Findings) == 0 || r.Findings[0].Line != 1 {
		t.Errorf("as JSON: %d, %v, %+v", code, err, r)
	}
}

func TestTheConfigurationThatIsPrintedIsValid(t *testing.T) {
	dir := t.TempDir()
	_, text, _ := call(t, "config")
	file := filepath.Join(dir, "plumbline.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "m.yaml"), []byte("model: m\nlogs: {include: [a.log], format: json}\npredictions: {score: {path: s}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if code, out, errOut := call(t, "check", "--config", file, "--models", filepath.Join(dir, "m.yaml"), "--state", dir); code != exitOK {
		t.Errorf("check of it: %d %q %q", code, out, errOut)
	}
}

func TestRunEndsCleanlyWhenItIsToldTo(t *testing.T) {
	dir := t.TempDir()
	var out, errOut bytes.Buffer
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Second)
	defer stop()
	if code := run(ctx, []string{"run", "--models", dir, "--state", dir, "--listen", "127.0.0.1:0", "--log-level", "error"}, nil, &out, &errOut); code != exitOK {
		t.Errorf("code %d, %q", code, errOut.String())
	}
	if !strings.Contains(out.String(), "metrics at http://127.0.0.1:") || strings.Contains(out.String(), "127.0.0.1:0/") {
		t.Errorf("the address that was chosen is not printed: %q", out.String())
	}
}
