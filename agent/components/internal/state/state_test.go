package state

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"go.opentelemetry.io/collector/component"

	"github.com/plumbline-ml/plumbline/internal/snapshot"
)

func TestWhatIsSavedIsLoadedAfterAReopen(t *testing.T) {
	dir, id, log := t.TempDir(), component.NewID(component.MustNewType("x")), slog.New(slog.DiscardHandler)
	f, err := Open(dir, id, "x", log)
	if err != nil {
		t.Fatal(err)
	}
	if data, err := f.Load(); err != nil || data != nil {
		t.Errorf("a new file holds %q, %v", data, err)
	}
	for _, s := range []string{"one", "two"} {
		if err := f.Save([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Open(dir, id, "x", log); !errors.Is(err, snapshot.ErrLocked) {
		t.Errorf("a second opener got %v, want that it is locked", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f, err = Open(dir, id, "x", log); err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if data, err := f.Load(); err != nil || string(data) != "two" {
		t.Errorf("loaded %q, %v", data, err)
	}
}

func TestAFurtherComponentOfATypeHasAFolderOfItsOwn(t *testing.T) {
	typ := component.MustNewType("x")
	if got := Dir("/s", component.NewID(typ)); got != "/s" {
		t.Errorf("got %s", got)
	}
	if got := Dir("/s", component.NewIDWithName(typ, "a/b")); got != filepath.Join("/s", "x_a_b") {
		t.Errorf("got %s", got)
	}
}
