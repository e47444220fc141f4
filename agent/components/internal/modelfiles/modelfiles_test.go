package modelfiles

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, file, name string) string {
	t.Helper()
	if err := os.WriteFile(file, []byte("model: "+name+"\nlogs: {include: [a.log], format: json}\npredictions: {score: {path: s}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestFoldersAndFilesAreLoadedTogether(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), "a")
	write(t, filepath.Join(dir, "b.yaml"), "b")
	models, err := Load([]string{dir, write(t, filepath.Join(other, "c.yaml"), "c")}, 0)
	if err != nil || len(models) != 3 {
		t.Errorf("%d models, %v", len(models), err)
	}
}

func TestOneBadFileIsAllBadAndEveryProblemIsNamed(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), "a")
	for _, n := range []string{"x", "y"} {
		if err := os.WriteFile(filepath.Join(dir, n+".yaml"), []byte("modell: "+n+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	models, err := Load([]string{dir, "/nowhere"}, 0)
	if err == nil || len(models) != 0 {
		t.Fatalf("%d models, %v", len(models), err)
	}
	for _, want := range []string{"x.yaml:1:1", "y.yaml:1:1", "/nowhere"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
}

func TestANameThatIsTakenInAnotherFolderIsAnError(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	write(t, filepath.Join(dir, "a.yaml"), "same")
	write(t, filepath.Join(other, "b.yaml"), "same")
	if _, err := Load([]string{dir, other}, 0); err == nil || !strings.Contains(err.Error(), "b.yaml") || !strings.Contains(err.Error(), "a.yaml") {
		t.Errorf("got %v", err)
	}
}

func TestMoreModelsThanAllowedAreRefusedAtTheEdge(t *testing.T) {
	dir := t.TempDir()
	for i := range DefaultMax {
		write(t, filepath.Join(dir, fmt.Sprintf("m%03d.yaml", i)), fmt.Sprintf("m%03d", i))
	}
	for _, test := range []struct {
		most int
		ok   bool
	}{{0, true}, {DefaultMax, true}, {DefaultMax - 1, false}} {
		models, err := Load([]string{dir}, test.most)
		if (err == nil) != test.ok || test.ok && len(models) != DefaultMax || !test.ok && !errors.Is(err, ErrTooMany) {
			t.Errorf("at most %d: %d models, %v", test.most, len(models), err)
		}
	}
	write(t, filepath.Join(dir, "one-more.yaml"), "one-more")
	if _, err := Load([]string{dir}, 0); !errors.Is(err, ErrTooMany) || !strings.Contains(err.Error(), "201, at most 200") || !strings.Contains(err.Error(), "max_models") {
		t.Errorf("one more than the default: %v", err)
	}
}
