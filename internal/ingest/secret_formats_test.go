package ingest

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// formatLines has a good line of every format, TIME standing for when it was written.
var formatLines = map[string]string{
	"auto":         `{"ts":"TIME","score":0.5,"f":{"a":1,"b":"x"}}`,
	"json":         `{"ts":"TIME","score":0.5,"f":{"a":1,"b":"x","v":[1,2]},"id":"i"}`,
	"bentoml":      `{"score": "0.25", "city": "Bern", "timestamp": "TIME", "request_id": "17", "trace_id": "0"}`,
	"csv":          `TIME,0.5,x,"y z"`,
	"tsv":          "TIME\t0.5\tx\ty",
	"logfmt":       `ts=TIME score=0.5 f.a=1 f.b="x y" flag`,
	"regex":        `TIME score=0.5 label=ham`,
	"mlserver":     `{"time": "TIME", "name": "mlserver", "level": "INFO", "message": "{"score": 0.5}", "model_name": "m", "model_version": "v2"}`,
	"ray-serve":    `{"levelname": "INFO", "asctime": "TIME", "deployment": "d", "route": "/p", "application": "d", "message": "replica.py:1 - __CALL__ OK 12.5ms"}`,
	"rspamd":       `TIME #7(normal) <83be9e>; task; rspamd_task_write_log: id: <x@y>, ip: 10.0.0.1, from: <a@b>, (default: T (reject): [15.50/15.00] [BAYES_SPAM(5.10){100.00%;},SUBJ(2.40){a,b;}]), len: 4879, time: 13.321ms, dns req: 3`,
	"sagemaker":    `{"captureData":{"endpointInput":{"data":"1,2.5,x","encoding":"CSV"},"endpointOutput":{"data":"0.75","encoding":"CSV"}},"eventMetadata":{"eventId":"e","inferenceTime":"TIME"}}`,
	"spamassassin": `TIME [77] info: spamd: result: Y 15 - BAYES_60,TEST scantime=0.2,size=5823,user=u,uid=1,required_score=5.0,mid=<m>,bayes=0.75,autolearn=no autolearn_force=no`,
	"torchserve":   `TIME [INFO ] W-1 ACCESS_LOG - /10.0.0.1:4000 "POST /predictions/net/2.0 HTTP/1.1" 503 118`,
	"triton-trace": `[{"id":1,"model_name":"net","model_version":2},{"id":1,"activity":"TENSOR_BACKEND_OUTPUT","tensor":{"name":"y","data":"0.25","shape":"1,1","dtype":"FP32"}}]`,
	"vllm":         `INFO 11-23 00:41:04 [loggers.py:1] Engine 003: Avg prompt throughput: 10.5 tokens/s, Avg generation throughput: 4.0 tokens/s, Running: 2 reqs, Waiting: 1 reqs, GPU KV cache usage: 50.0%`,
}

// planted puts a secret of its own into every place of a line where one field ends and another begins, over what stands there
// and in between, and cuts the line off behind some of them.
func planted(line string, serial *int) []string {
	var out []string
	for i := 0; i < len(line); i++ {
		if !strings.ContainsRune("\":= ,\t<>({[", rune(line[i])) {
			continue
		}
		*serial++
		secret := fmt.Sprintf("s3cr3t%d", *serial)
		rest := line[i+1:]
		out = append(out, line[:i+1]+secret+rest)
		if end := strings.IndexAny(rest, "\":= ,\t<>)}]"); end > 0 {
			out = append(out, line[:i+1]+secret+rest[end:])
		}
		if *serial%3 == 0 {
			out = append(out, line[:i+1]+secret, secret+line[i:])
		}
	}
	return out
}

// TestAPlantedSecretAppearsNowhereInAnyFormat does for every format what TestAPlantedSecretAppearsNowhere does for JSON.
func TestAPlantedSecretAppearsNowhereInAnyFormat(t *testing.T) {
	for _, format := range parse.Formats() {
		t.Run(format, func(t *testing.T) {
			good, ok := formatLines[format]
			if !ok {
				t.Fatal("no line of this format")
			}
			text := "model: m\nlogs: {include: [%s/*.log], format: " + format + "}\nreference: {learn: 120 records}\nlateness: 1s\npane: 1s\n"
			header := ""
			switch format {
			case "csv", "tsv":
				header = strings.NewReplacer("TIME", "ts", "0.5", "score", `"y z"`, "c", "y", "c").Replace(good) + "\n"
				text += "fields: {timestamp: ts}\nfeatures: ['*']\n"
			case "regex":
				text = strings.Replace(text, "format: regex", `format: regex, pattern: '^(?P<ts>\S+ ?\S*) score=(?P<score>\S+) label=(?P<label>\S+)$'`, 1) + "predictions: {score: score, label: label}\n"
			case "json", "auto", "logfmt":
				text += "fields: {timestamp: ts}\npredictions: {score: score}\nfeatures: ['*']\n"
			}
			logs, state := t.TempDir(), t.TempDir()
			now := time.Now().UTC()
			serial, lines := 0, 0
			var b strings.Builder
			b.WriteString(header)
			for i := range 200 {
				at := now.Add(time.Duration(i-200) * 50 * time.Millisecond).Format("2006-01-02 15:04:05.000")
				line := strings.ReplaceAll(good, "TIME", at)
				b.WriteString(line + "\n")
				if i == 30 || i == 160 { // while it learns and when it is ready
					for _, p := range planted(line, &serial) {
						b.WriteString(p + "\n")
					}
				}
			}
			lines = strings.Count(b.String(), "\n")
			if serial < 8 {
				t.Fatal("hardly a secret was planted")
			}
			if err := os.WriteFile(filepath.Join(logs, "a.log"), []byte(b.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
			defer cancel()
			records := 0.0
			l, err := New(Options{
				Models: []*monitor.Model{parseModel(t, fmt.Sprintf(text, logs))}, StateDir: state, Interval: 10 * time.Millisecond,
				Logger: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})),
				Publish: func(b catalog.Batch) {
					for _, s := range b.Samples {
						fmt.Fprintln(&out, s.Metric.Name, s.Labels, s.Value)
					}
					if records = total(b, catalog.Records); total(b, catalog.TailLines) >= float64(lines) {
						cancel()
					}
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if err := l.Run(ctx); err != nil {
				t.Fatal(err)
			}
			saved, err := filepath.Glob(filepath.Join(state, "*"))
			if err != nil || len(saved) == 0 {
				t.Fatal("no state", err)
			}
			for _, file := range saved {
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				out.Write(data)
			}
			if i := strings.Index(out.String(), "s3cr3t"); i >= 0 {
				t.Errorf("a secret came out: …%q", out.String()[max(0, i-160):min(out.Len(), i+60)])
			}
			if records < 200 {
				t.Errorf("%v records of 200 good lines were counted", records)
			}
		})
	}
}
