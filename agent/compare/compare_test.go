package compare

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

// write puts a file into a temporary folder.
func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func run(t *testing.T, ref, cur string) *Report {
	t.Helper()
	r, err := Run(context.Background(), Options{Reference: ref, Current: cur})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *Report) feature(t *testing.T, name string) Feature {
	t.Helper()
	for _, f := range r.Features {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no feature %s in %+v", name, r.Features)
	return Feature{}
}

func near(t *testing.T, what string, got, want, relative float64) {
	t.Helper()
	if math.Abs(got-want) > relative*math.Abs(want)+1e-12 {
		t.Errorf("%s is %.15g, want %.15g", what, got, want)
	}
}

// The expected numbers were made by scipy 1.10.1 (ks_2samp with method="asymp", wasserstein_distance, mannwhitneyu,
// ttest_ind with equal_var=False) over the two columns read with pandas 1.5.3.
func TestCaliforniaHousingAgreesWithScipy(t *testing.T) {
	ref := testkit.SharedFile(t, "data", "california_housing_reference.csv")
	cur := testkit.SharedFile(t, "data", "california_housing_analysis.csv")
	r := run(t, ref, cur)
	if r.Rows.Reference != 5832 || r.Rows.Current != 8232 {
		t.Errorf("rows %+v, want 5832 and 8232", r.Rows)
	}
	var skipped []string
	for _, s := range r.Skipped {
		skipped = append(skipped, s.Name)
	}
	slices.Sort(skipped)
	if want := []string{"clf_target", "id", "timestamp"}; !slices.Equal(skipped, want) {
		t.Errorf("skipped %v, want %v", skipped, want)
	}
	for name, want := range scipyHousing {
		f := r.feature(t, name)
		if f.Kind != "number" {
			t.Errorf("%s is a %s", name, f.Kind)
		}
		for stat, v := range want {
			relative := 1e-9
			if strings.HasSuffix(stat, "_p") {
				relative = 1e-6
			}
			near(t, name+" "+stat, f.Statistics[stat], v, relative)
		}
	}
}

func TestTheSameRowsAsCSVAndJSONLinesAndParquetGiveTheSameStatistics(t *testing.T) {
	type row struct {
		Amount  *float64 `parquet:"amount,optional" json:"amount"`
		Country string   `parquet:"country" json:"country"`
	}
	var rows []row
	var csv, lines strings.Builder
	csv.WriteString("amount,country\n")
	enc := json.NewEncoder(&lines)
	for i := range 400 {
		r := row{Country: []string{"CH", "DE", "FR"}[i%7%3]}
		if i%10 != 0 {
			v := float64(i*i%97) / 4
			r.Amount = &v
			csv.WriteString(strings.TrimSpace(string(must(json.Marshal(v)))))
		}
		csv.WriteString("," + r.Country + "\n")
		if err := enc.Encode(r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	var pq, zipped bytes.Buffer
	if err := parquet.Write(&pq, rows); err != nil {
		t.Fatal(err)
	}
	zw := gzip.NewWriter(&zipped)
	zw.Write([]byte(lines.String()))
	zw.Close()
	other := write(t, "other.csv", "amount,country\n"+strings.Repeat("3,CH\n4,DE\n,IT\n9.5,IT\n", 50))
	want := run(t, other, write(t, "a.csv", csv.String()))
	if f := want.feature(t, "amount"); f.Current.Missing != 40 || f.Current.Count != 360 || f.Reference.Missing != 50 {
		t.Errorf("missing values were not counted: %+v", f)
	}
	for name, path := range map[string]string{
		"JSON lines": write(t, "a.jsonl", lines.String()), "gzip": write(t, "a.jsonl.gz", zipped.String()), "Parquet": write(t, "a.parquet", pq.String()),
	} {
		got := run(t, other, path)
		for _, f := range want.Features {
			g := got.feature(t, f.Name)
			if g.Kind != f.Kind || g.Current.Count != f.Current.Count || len(g.Statistics) != len(f.Statistics) {
				t.Errorf("%s: %+v, want %+v", name, g, f)
			}
			for stat, v := range f.Statistics {
				near(t, name+" "+f.Name+" "+stat, g.Statistics[stat], v, 1e-12)
			}
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestTheTextNoneIsACategoryInJSONAndMissingInCSV(t *testing.T) {
	lines := write(t, "a.jsonl", `{"mua": "none"}`+"\n"+`{"mua": "web"}`+"\n"+`{"mua": null}`+"\n")
	if f := run(t, lines, lines).feature(t, "mua"); f.Current.Count != 2 || f.Current.Missing != 1 {
		t.Errorf("JSON: %+v", f.Current)
	}
	csv := write(t, "a.csv", "mua\nnone\nweb\n\"\"\n")
	if f := run(t, csv, csv).feature(t, "mua"); f.Current.Count != 1 || f.Current.Missing != 2 {
		t.Errorf("CSV: %+v", f.Current)
	}
}

func TestTwoIdenticalFilesShowNoDistance(t *testing.T) {
	path := write(t, "a.csv", "x,c\n"+strings.Repeat("1,a\n2,b\n3,a\n", 100))
	for _, f := range run(t, path, path).Features {
		for _, name := range []string{"psi", "js", "tvd", "hellinger"} {
			if v := f.Statistics[name]; v > 1e-9 {
				t.Errorf("%s %s is %v between a file and itself", f.Name, name, v)
			}
		}
	}
}

func TestTheJSONFollowsTheContract(t *testing.T) {
	path := write(t, "a.csv", "x,c\n1,a\n2,b\n,a\n")
	var out bytes.Buffer
	if err := run(t, path, path).WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Rows     struct{ Reference, Current int }
		Features []struct {
			Name, Kind         string
			Reference, Current struct{ Count, Missing uint64 }
			Statistics         map[string]float64
		}
	}
	d := json.NewDecoder(&out)
	if err := d.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Rows.Reference != 3 || len(got.Features) != 2 || got.Features[0].Kind != "number" || got.Features[0].Reference.Missing != 1 || got.Features[1].Kind != "category" {
		t.Errorf("got %+v", got)
	}
	for _, name := range []string{"psi", "ks", "ks_p", "js"} {
		if _, ok := got.Features[0].Statistics[name]; !ok {
			t.Errorf("statistic %s is missing", name)
		}
	}
}

func TestBareNaNAndNumbersAsTextAreReadAsPythonWroteThem(t *testing.T) {
	a := write(t, "a.jsonl", `{"x": NaN, "s": "NaN inside a text"}`+"\n"+`{"x": "4.5", "s": "b"}`+"\n"+`{"x": -Infinity, "s": "b"}`+"\n"+`{"x": 4.5, "s": "b"}`+"\n")
	f := run(t, a, a).feature(t, "x")
	if f.Kind != "number" || f.Current.Count != 2 || f.Current.Missing != 2 {
		t.Errorf("got %+v", f)
	}
}

func TestWhatCannotBeReadSaysWhereAndRepeatsNoValue(t *testing.T) {
	good := write(t, "good.csv", "x\n1\n")
	for content, want := range map[string]string{
		"x,y\n1,secret-4711\n2\n":      "line 3: 1 fields, want 2",
		"x,x\n1,2\n":                   "column 2: the name is there twice",
		"{\"x\": 1}\n{\"x\": s-4711\n": "line 2: column",
		"":                             "is empty",
		"x\n":                          "has no rows",
		"[{\"x\": 1}]":                 "want JSON lines",
	} {
		_, err := Run(context.Background(), Options{Reference: write(t, "bad", content), Current: good})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got error %v, want %q", content, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "4711") {
			t.Errorf("the error repeats a value: %v", err)
		}
	}
}

func FuzzPythonNumbersNeverTouchesText(f *testing.F) {
	f.Add(`{"a":NaN,"b":"NaN","c":[Infinity,-Infinity]}`)
	f.Add(`{"a":"\"NaN"}`)
	f.Fuzz(func(t *testing.T, line string) {
		if json.Valid([]byte(line)) && string(pythonNumbers([]byte(line))) != line {
			t.Errorf("valid JSON was changed: %q", line)
		}
	})
}
