// Package testkit holds what tests of several packages share.
//
// It is imported by tests only and knows no product package.
package testkit

import (
	"os"
	"path/filepath"
	"testing"
)

// SharedFile returns the path of a file of the shared test data (real logs, golden values), or skips the test
// when the data is not on this machine: users clone the repository without it. The folder is
// PLUMBLINE_SHARED, or a folder named "shared" beside the repository.
func SharedFile(t testing.TB, elem ...string) string {
	t.Helper()
	root := os.Getenv("PLUMBLINE_SHARED")
	if root == "" {
		root = filepath.Join(filepath.Dir(RepoRoot(t)), "shared")
	}
	path := filepath.Join(append([]string{root}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("shared test data is not here: want %s (set PLUMBLINE_SHARED to the folder that holds it)", filepath.Join(elem...))
	}
	return path
}

// RepoRoot is the folder that holds go.mod.
func RepoRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the working directory")
		}
		dir = parent
	}
}
