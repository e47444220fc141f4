package classic

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Whoever asks for a detector by its name is told where it comes from, what it costs, and what it does not promise.
func TestEveryDetectorSaysItsSourceItsMemoryAndWhatItDoesNotPromise(t *testing.T) {
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	docs, detectors := map[string]string{}, map[string]bool{}
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			switch d := d.(type) {
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if s, ok := s.(*ast.TypeSpec); ok {
						docs[s.Name.Name] = d.Doc.Text()
					}
				}
			case *ast.FuncDecl:
				if d.Recv == nil || d.Name.Name != "Update" || len(d.Recv.List) != 1 {
					continue
				}
				if star, ok := d.Recv.List[0].Type.(*ast.StarExpr); ok {
					detectors[star.X.(*ast.Ident).Name] = true
				}
			}
		}
	}
	for _, name := range []string{"ADWIN", "PageHinkley", "DDM", "EDDM", "HDDMA", "HDDMW", "KSWIN", "CUSUM", "EWMA"} {
		if !detectors[name] {
			t.Errorf("there is no detector %s", name)
		}
	}
	year := regexp.MustCompile(`\b(19|20)\d\d\b`)
	for name := range detectors {
		doc := docs[name]
		if !year.MatchString(doc) || !strings.Contains(doc, "What it does not promise: ") || !strings.Contains(doc, "Memory: ") {
			t.Errorf("%s says:\n%s\nwant its source with a year, what it does not promise, and its memory", name, doc)
		}
	}
}
