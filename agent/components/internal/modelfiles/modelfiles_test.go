package modelfiles

import (
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
	models, err := Load([]string{dir, write(t, filepath.Join(other, "c.yaml"), "c")})
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
	models, err := Load([]string{dir, "/nowhere"})
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
	if _, err := Load([]string{dir, other}); err == nil || !strings.Contains(err.Error(), "b.yaml") || !strings.Contains(err.Error(), "a.yaml") {
		t.Errorf("got %v", err)
	}
}
