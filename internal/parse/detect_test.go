package parse

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/testkit"
)

func TestDetectRecognisesTheRealSamples(t *testing.T) {
	for file, want := range map[string]string{
		"bentoml-data.0.log": "bentoml", "rspamd-3.4-task.log": "rspamd", "spamd-4.0.1.log": "spamassassin", "sagemaker-capture.jsonl": "sagemaker",
		"torchserve-metrics.log": "torchserve", "torchserve-access_log.log": "torchserve", "ray-serve-replica.jsonl": "ray-serve",
		"ray-serve-replica.txt": "ray-serve", "vllm.log": "vllm", "triton-trace-tensors.json": "triton-trace", "azureml-mdc.jsonl": "json",
		"feast-audit.jsonl": "json", "triton.log": "", "bentoml-access.log": "", "torchserve-metrics.prom": "",
	} {
		if got, _ := Detect(lines(t, "formats", file)); got != want {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
}

// roles renders what was found: role and kind of each path.
func roles(found []DetectedPath) map[string]string {
	out := map[string]string{}
	for _, d := range found {
		out[d.Path] = d.Role + " " + d.Kind
	}
	return out
}

func TestDetectGuessesRolesByNameAndKind(t *testing.T) {
	var input [][]byte
	for i, line := range benchLines(300, false, false) {
		line = bytes.Replace(line, []byte(`{"ts"`), fmt.Appendf(nil, `{"request_id":"r%d","f32":"%d.5","ok":%v,"level":"info","ts"`, i, i, i%2 == 0), 1)
		input = append(input, append([]byte("2023-06-22T10:27:25.8Z stdout F "), line...))
		input = append(input, []byte(`2023-06-22T10:27:25.8Z stdout F {"level":"info","msg":"served"}`))
	}
	format, found := Detect(input)
	got := roles(found)
	for path, want := range map[string]string{
		"ts": "time time", "version": "version category", "prediction.score": "score probability", "prediction.label": "label category",
		"features.num_03": "feature number", "features.cat_1": "feature category", "request_id": "identifier text", "level": "identifier category",
		"f32": "feature number", "ok": "feature category",
	} {
		if got[path] != want {
			t.Errorf("%s: got %q, want %q", path, got[path], want)
		}
	}
	if format != "json" {
		t.Errorf("format %q", format)
	}
}

func TestDetectReadsTheHeaderOfACSVFile(t *testing.T) {
	f, err := os.Open(testkit.SharedFile(t, "data", "california_housing_reference.csv"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var input [][]byte
	for sc := bufio.NewScanner(f); sc.Scan() && len(input) < 2000; {
		input = append(input, bytes.Clone(sc.Bytes()))
	}
	format, found := Detect(input)
	got := roles(found)
	for path, want := range map[string]string{
		"timestamp": "time time", "y_pred_proba": "score probability", "y_pred": "label category", "clf_target": "target category", "MedInc": "feature number",
	} {
		if got[path] != want {
			t.Errorf("%s: got %q, want %q (of %v)", path, got[path], want, got)
		}
	}
	if format != "csv" {
		t.Errorf("format %q", format)
	}
}

func TestDetectSaysNothingAboutWhatItDoesNotKnow(t *testing.T) {
	prose := "The quick brown fox, which jumps over the lazy dog, again\nand again, and a=b is no pair of ours\n\nEnd.\nMore, of, it, here"
	if format, found := Detect(bytesOf(strings.Split(prose, "\n"))); format != "" || found != nil {
		t.Errorf("got %q %v", format, found)
	}
	if format, _ := Detect(nil); format != "" {
		t.Errorf("got %q", format)
	}
	if format, found := Detect(bytesOf([]string{"ts=2026-11-23T00:41:04Z score=0.5 label=spam", "ts=2026-11-23T00:41:05Z score=0.25 label=ham"})); format != "logfmt" || len(found) != 3 {
		t.Errorf("got %q %v", format, roles(found))
	}
}

func BenchmarkRspamdLine(b *testing.B) {
	f, err := os.Open(testkit.SharedFile(b, "data", "rspamd-2001-2002.log.gz"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	zr, err := gzip.NewReader(f)
	if err != nil {
		b.Fatal(err)
	}
	all, err := io.ReadAll(zr)
	if err != nil {
		b.Fatal(err)
	}
	input := bytes.Split(bytes.TrimSpace(all), []byte("\n"))
	p := compile(b, "rspamd", FormatOptions{}, append(paths("score", "action", "bayes", "symbols", "len", "symbol.*"),
		Field{Path: "file", Time: true, Pattern: `\.(\d{8}T\d{6})\.`, Layout: "20060102T150405"})...)
	parser := p.NewParser()
	var rec Record
	b.SetBytes(int64(len(all) / len(input)))
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		parser.Line(input[i%len(input)], 0, &rec)
	}
}
