// Package plumbline_test holds the rules of the house: who may import whom, that every package says what it is
// for, and that go.mod replaces nothing. It reads the .go files itself, because a test that only asks
// "go list" is served from the test cache and misses a new violation.
package plumbline_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/plumbline-ml/plumbline"

// room says what one folder (and the folders below it, unless they have a room of their own) may import.
// Names without a dot in the first element are packages of this module; the standard library is always
// allowed except where forbid says otherwise.
type room struct {
	ours    []string // folders of this module, prefix match
	foreign []string // other modules, prefix match
	forbid  []string // packages of the standard library that this room must not know, prefix match
}

var anyone = []string{""}

// impure is what pure mathematics must not know. The file names of generated tables are no exception.
var impure = []string{"os", "net", "log", "time", "io/fs", "syscall", "os/exec", "sync"}

var house = map[string]room{
	"":                              {ours: anyone, foreign: anyone},
	"agent":                         {ours: anyone, foreign: anyone},
	"agent/cmd/plumbline":           {ours: []string{"agent"}, foreign: []string{"github.com/spf13/", "golang.org/x/term"}},
	"agent/components":              {ours: []string{"agent/components", "internal", "rules", "exporters/alerting"}, foreign: []string{"go.opentelemetry.io/", "github.com/prometheus/client_golang", "github.com/prometheus/client_model", "github.com/prometheus/common", "google.golang.org/protobuf/types/known/timestamppb", "github.com/klauspost/compress", "github.com/fsnotify/fsnotify", "go.uber.org/zap"}},
	"detectors":                     {ours: []string{"detectors"}, foreign: []string{"gonum.org/v1/gonum"}, forbid: impure},
	"detectors/sequential/simulate": {ours: []string{"detectors"}, foreign: []string{"gonum.org/v1/gonum"}, forbid: impure},
	"internal/tail":                 {foreign: []string{"github.com/fsnotify/fsnotify", "golang.org/x/sys", "github.com/klauspost/compress"}},
	"internal/parse":                {},
	"internal/monitor":              {ours: []string{"detectors", "internal/parse", "internal/catalog"}, foreign: []string{"go.yaml.in/yaml/v3"}},
	"internal/requests":             {ours: []string{"internal/monitor"}},
	"internal/ingest":               {ours: []string{"internal/tail", "internal/parse", "internal/monitor", "internal/requests", "internal/snapshot", "internal/catalog"}, foreign: []string{"github.com/fsnotify/fsnotify"}},
	"internal/snapshot":             {foreign: []string{"golang.org/x/sys"}},
	"internal/alert":                {},
	"internal/catalog":              {},
	"internal/infer":                {ours: []string{"internal/parse", "internal/monitor", "internal/tail"}},
	"internal/simulator":            {},
	"internal/testkit":              {},
	"rules":                         {ours: []string{"internal/alert", "internal/catalog", "rules"}, foreign: []string{"github.com/prometheus/", "go.yaml.in/yaml/", "github.com/fsnotify/fsnotify"}},
	"exporters/alerting":            {ours: []string{"exporters", "internal/alert", "internal/catalog", "internal/snapshot"}, foreign: []string{"github.com/prometheus/", "go.yaml.in/yaml/", "github.com/fsnotify/fsnotify", "github.com/go-openapi/strfmt"}},
	"exporters/pagerduty":           {ours: []string{"exporters", "internal/alert"}, foreign: []string{"github.com/PagerDuty/go-pagerduty"}},
	"exporters/alertmanager":        {ours: []string{"exporters", "internal/alert"}},
	"exporters/webhook":             {ours: []string{"exporters", "internal/alert"}},
	"exporters/grafana":             {ours: []string{"exporters", "internal/alert"}},
	"exporters":                     {ours: []string{"exporters", "internal/alert"}},
	"dashboards":                    {ours: []string{"internal/catalog", "dashboards"}},
	"deploy":                        {},
}

// inTests adds what the _test.go files of a room may know besides.
var inTests = map[string]room{
	"":                    {ours: []string{"internal/testkit"}},
	"agent/cmd/plumbline": {ours: []string{"internal/simulator"}},
	"deploy":              {ours: []string{"agent", "internal", "rules", "exporters"}, foreign: anyone},
	"dashboards":          {ours: []string{"agent", "internal", "rules"}, foreign: anyone},
	"rules":               {ours: []string{"internal/monitor", "internal/parse"}},
	"internal/tail":       {foreign: []string{"golang.org/x/sys", "github.com/hanwen/go-fuse"}},
	"internal/ingest":     {ours: []string{"internal/simulator"}},
	"internal/requests":   {ours: []string{"internal/parse"}},
	"internal/monitor":    {ours: []string{"internal/simulator", "internal/tail"}},
	"internal/parse":      {ours: []string{"internal/simulator"}},
}

func TestImportsFollowTheHousePlan(t *testing.T) {
	var problems []string
	eachFile(t, func(dir, name string, file *ast.File) {
		problems = append(problems, violations(dir, name, imports(file))...)
	})
	for _, p := range problems {
		t.Error(p)
	}
}

func TestAPlantedViolationIsFound(t *testing.T) {
	for _, c := range []struct{ dir, file, imported string }{
		{"detectors", "psi.go", "os"},
		{"detectors", "psi.go", "time"},
		{"detectors/classic", "adwin.go", "log/slog"},
		{"detectors", "psi.go", module + "/internal/parse"},
		{"internal/tail", "tail.go", module + "/internal/parse"},
		{"internal/parse", "json.go", "github.com/tidwall/gjson"},
		{"internal/monitor", "engine.go", module + "/internal/tail"},
		{"internal/monitor", "engine.go", "github.com/prometheus/prometheus/promql"},
		{"internal/alert", "alert.go", module + "/rules"},
		{"rules", "engine.go", module + "/exporters/alerting"},
		{"exporters/pagerduty", "pagerduty.go", "github.com/prometheus/alertmanager/config"},
		{"dashboards", "model.go", module + "/agent"},
		{"agent/cmd/plumbline", "run.go", module + "/internal/tail"},
		{"agent/components/alertrulesconnector", "connector.go", "github.com/prometheus/prometheus/rules"},
	} {
		if len(violations(c.dir, c.file, []string{c.imported})) == 0 {
			t.Errorf("%s/%s importing %s was let through", c.dir, c.file, c.imported)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	docs := map[string][]string{} // folder → files that carry a package comment
	eachFile(t, func(dir, name string, file *ast.File) {
		if strings.HasSuffix(name, "_test.go") && dir != "" {
			return
		}
		if _, seen := docs[dir]; !seen {
			docs[dir] = nil
		}
		if file.Doc != nil && len(strings.TrimSpace(file.Doc.Text())) > 0 && !strings.HasPrefix(file.Doc.Text(), "Code generated") {
			docs[dir] = append(docs[dir], name)
		}
	})
	for dir, files := range docs {
		if len(files) != 1 {
			t.Errorf("package %q: want one package comment in exactly one file, found %d (%s)", dir, len(files), strings.Join(files, ", "))
		}
	}
}

// Every number exposed is declared once, and what is declared is exposed: a metric that nobody emits is an empty panel.
func TestEveryMetricOfTheCatalogueIsEmittedSomewhere(t *testing.T) {
	declared, err := os.ReadFile("internal/catalog/metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	var emitters strings.Builder
	eachFile(t, func(dir, name string, _ *ast.File) {
		if strings.HasSuffix(name, "_test.go") || roomName(dir) == "dashboards" || roomName(dir) == "internal/catalog" || name == "bounds.go" {
			return
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		emitters.Write(data)
	})
	names := regexp.MustCompile(`(?m)^\t([A-Z]\w+)\s+= declare\(`).FindAllStringSubmatch(string(declared), -1)
	if len(names) < 60 {
		t.Fatalf("found only %d metrics: has the form of the declarations changed?", len(names))
	}
	for _, m := range names {
		if !regexp.MustCompile(`catalog\.` + m[1] + `\b`).MatchString(emitters.String()) {
			t.Errorf("catalog.%s is declared and never emitted", m[1])
		}
	}
}

func roomName(dir string) string { return nameOf(house, dir) }

func TestGoModReplacesNothing(t *testing.T) {
	data, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(data), "\n") {
		if f := strings.Fields(line); len(f) > 0 && (f[0] == "replace" || f[0] == "exclude") {
			t.Errorf("go.mod:%d: %q: a replace works for us only, never for those who build our components", i+1, line)
		}
	}
}

func TestEveryDirectDependencyIsJustifiedInOneLine(t *testing.T) {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	justified := regexp.MustCompile("`([a-zA-Z0-9.-]+\\.[a-z]+/[^`]+)`").FindAllStringSubmatch(string(page), -1)
	direct := 0
	for _, line := range strings.Split(string(mod), "\n") {
		f := strings.Fields(line)
		if !strings.HasPrefix(line, "\t") || len(f) != 2 {
			continue // indirect ones carry a comment
		}
		direct++
		if !slices.ContainsFunc(justified, func(m []string) bool { return hasPrefix(f[0], m[1:]) }) {
			t.Errorf("docs/dependencies.md does not say what %s is for", f[0])
		}
	}
	if direct < 20 {
		t.Errorf("found only %d direct dependencies: has the form of go.mod changed?", direct)
	}
}

func TestEveryTopLevelFolderOfThePlanExists(t *testing.T) {
	for _, dir := range []string{"agent", "detectors", "exporters", "rules", "dashboards", "deploy", "internal"} {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			t.Errorf("folder %s is missing", dir)
		}
	}
}

// violations names every import of one file that its room does not allow.
func violations(dir, name string, imported []string) []string {
	r := roomOf(house, dir)
	test := room{}
	if strings.HasSuffix(name, "_test.go") {
		test = roomOf(inTests, dir)
		test.ours = append(slices.Clone(test.ours), inTests[""].ours...)
	}
	var out []string
	for _, imp := range imported {
		var ok bool
		switch own, isOurs := strings.CutPrefix(imp, module+"/"); {
		case isOurs:
			ok = sameRoom(own, dir) || hasPrefix(own, r.ours) || hasPrefix(own, test.ours)
		case imp == module:
			ok = false
		case strings.Contains(strings.SplitN(imp, "/", 2)[0], "."):
			ok = hasPrefix(imp, r.foreign) || hasPrefix(imp, test.foreign)
		default:
			ok = strings.HasSuffix(name, "_test.go") || !slices.ContainsFunc(r.forbid, func(f string) bool { return imp == f || strings.HasPrefix(imp, f+"/") })
		}
		if !ok {
			out = append(out, fmt.Sprintf("%s imports %s: the house plan (docs/internals/architecture.md, policy_test.go) does not allow that", path.Join(dir, name), imp))
		}
	}
	return out
}

// sameRoom reports whether two folders share one entry of the house.
func sameRoom(a, b string) bool {
	return nameOf(house, a) == nameOf(house, b) && nameOf(house, a) != ""
}

// roomOf finds the entry with the longest folder that holds dir.
func roomOf(rooms map[string]room, dir string) room { return rooms[nameOf(rooms, dir)] }

func nameOf(rooms map[string]room, dir string) string {
	for d := dir; d != ""; d = parentOf(d) {
		if _, ok := rooms[d]; ok {
			return d
		}
	}
	return ""
}

func parentOf(dir string) string {
	if i := strings.LastIndexByte(dir, '/'); i >= 0 {
		return dir[:i]
	}
	return ""
}

func hasPrefix(s string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool {
		return p == "" || s == p || strings.HasPrefix(s, strings.TrimSuffix(p, "/")+"/")
	})
}

func imports(file *ast.File) []string {
	var out []string
	for _, spec := range file.Imports {
		out = append(out, strings.Trim(spec.Path.Value, `"`))
	}
	return out
}

// eachFile parses every .go file of the repository up to its imports, tools with their own go.mod left out.
func eachFile(t *testing.T, visit func(dir, name string, file *ast.File)) {
	t.Helper()
	set := token.NewFileSet()
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			base := d.Name()
			if p != "." && (strings.HasPrefix(base, ".") || base == "testdata" || base == "bin" || base == "dist" || base == "node_modules") {
				return filepath.SkipDir
			}
			if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil && p != "." {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(p, ".go") {
			return nil
		}
		file, err := parser.ParseFile(set, p, nil, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(p))
		if dir == "." {
			dir = ""
		}
		visit(dir, filepath.Base(p), file)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
