package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// readmeCommands are the lines of the README's sh blocks that call the binary.
func readmeCommands(t *testing.T) (commands []string) {
	t.Helper()
	data, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	inside := false
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```sh"
		case inside && strings.HasPrefix(line, "./bin/plumbline "):
			commands = append(commands, line)
		case inside && line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "make "):
			t.Errorf("README.md: %q is a command that no test runs", line)
		}
	}
	return commands
}

// What only make runs (make run, make test) is run by .ci/run.
func TestEveryCommandOfTheReadmeRunsAsItStands(t *testing.T) {
	t.Chdir(testkit.RepoRoot(t))
	dir := t.TempDir()
	commands := readmeCommands(t)
	if len(commands) < 7 {
		t.Fatalf("found only %d commands: has the form of the README changed?", len(commands))
	}
	for _, command := range commands {
		t.Run(strings.TrimPrefix(command, "./bin/plumbline "), func(t *testing.T) {
			var args []string
			ready := false
			for _, a := range strings.Fields(command)[1:] {
				a = strings.Trim(a, "'")
				switch {
				case a == "docs/examples/spam-v12.json" && args[len(args)-1] == "--out":
					a = filepath.Join(dir, "reference.json") // and is compared with the committed one below
				case a == "/tmp/plumbline":
					a = filepath.Join(dir, "state")
				case a == "127.0.0.1:9464":
					a, ready = "127.0.0.1:0", true
				}
				args = append(args, a)
			}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			var out bytes.Buffer
			var to testWriter
			if ready {
				to = testWriter{out: &out, stop: cancel} // the agent runs until it is stopped: as soon as it says where it listens
			} else {
				to = testWriter{out: &out}
			}
			if code := run(ctx, args, strings.NewReader(""), &to, &to); code != exitOK {
				t.Errorf("exit code %d:\n%s", code, out.String())
			}
			if out.Len() == 0 {
				t.Error("it printed nothing")
			}
		})
	}
	got, err := os.ReadFile(filepath.Join(dir, "reference.json"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("docs/examples/spam-v12.json")
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("docs/examples/spam-v12.json is not what the README's command builds (%v): run it and commit the result", err)
	}
}

// testWriter collects output and stops the command once the agent says where its metrics are.
type testWriter struct {
	out  *bytes.Buffer
	stop context.CancelFunc
}

func (w *testWriter) Write(p []byte) (int, error) {
	n, err := w.out.Write(p)
	if w.stop != nil && strings.Contains(w.out.String(), "/metrics") {
		w.stop()
	}
	return n, err
}
