package deploy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/plumbline-ml/plumbline/agent"
)

// Every configuration that is shipped is loaded by the agent's own check: models, routes, rules.
func TestTheExampleConfigurationIsValid(t *testing.T) {
	check(t, agent.Options{Models: []string{"config/models"}, Routes: "config/routes.yaml"}, 3)
}

func TestTheExamplesOfTheDocumentationAreValid(t *testing.T) {
	examples := filepath.Join("..", "docs", "examples")
	check(t, agent.Options{Models: []string{filepath.Join(examples, "models")}, Routes: filepath.Join(examples, "routes.yaml")}, 1)
}

func TestTheConfigurationInsideTheManifestsIsValid(t *testing.T) {
	dir := t.TempDir()
	put := func(folder, name, text string) {
		path := filepath.Join(dir, folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		// Inside the pod the secret is mounted there.
		text = strings.ReplaceAll(text, "/etc/plumbline/routes/", filepath.Join(dir, "plumbline-routes")+"/")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, object := range manifests(t) {
		switch o := object.(type) {
		case *corev1.ConfigMap:
			for name, text := range o.Data {
				put(o.Name, name, text)
			}
		case *corev1.Secret:
			for name, text := range o.StringData {
				put(o.Name, name, text)
			}
		}
	}
	check(t, agent.Options{
		Models: []string{filepath.Join(dir, "plumbline-models")}, Rules: []string{filepath.Join(dir, "plumbline-rules")},
		Routes: filepath.Join(dir, "plumbline-routes", "routes.yaml"),
	}, 1)
}

func TestAMistakeInAShippedFileWouldBeFound(t *testing.T) {
	file := filepath.Join(t.TempDir(), "bad.yaml")
	if err := os.WriteFile(file, []byte("model: x\nlogs: {includes: [a]}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	report, err := agent.Check(t.Context(), agent.Options{Models: []string{file}, State: t.TempDir()})
	if err != nil || report.OK() {
		t.Errorf("a misspelled key was let through: %+v, %v", report, err)
	}
}

func check(t *testing.T, opts agent.Options, models int) {
	t.Helper()
	opts.State = t.TempDir()
	report, err := agent.Check(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Error(f)
	}
	if report.Models != models {
		t.Errorf("checked %d models, want %d", report.Models, models)
	}
}
