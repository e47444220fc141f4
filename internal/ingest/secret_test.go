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
)

const secretModel = `
model: secrets
logs: {include: [%s/*.log], format: json}
fields: {timestamp: ts, version: version}
predictions:
  score: {path: score, kind: probability}
  label: {path: label, positive: spam}
features:
  - {path: f.*}
  - {path: f.age, kind: number, updated_at: f.age_ts, max_age: 1m}
  - {path: f.country, kind: category}
reference: {learn: %s}
lateness: 1s
pane: 1s
`

// TestAPlantedSecretAppearsNowhere puts a secret into every field, key and malformed line, while the model learns and
// when it is ready, and looks for it in everything that comes out: samples, logs, errors and every byte of state.
func TestAPlantedSecretAppearsNowhere(t *testing.T) {
	const secret = "s3cr3t-Jane.Doe"
	const number = "867530912345"
	planted := []string{
		`{"ts":%q,"version":"v1","score":0.5,"label":"SECRET","f":{"age":1,"country":"CH"}}`,
		`{"ts":%q,"version":"SECRET","score":0.5,"label":"ham","f":{"age":1,"country":"CH"}}`,
		`{"ts":%q,"version":"v1","score":"SECRET","label":"ham","f":{"age":"SECRET","country":"SECRET"}}`,
		`{"ts":%q,"version":"v1","score":0.5,"label":"ham","f":{"age":1,"country":"CH","SECRET":1,"note":"SECRET"}}`,
		`{"ts":%q,"version":"v1","score":0.5,"label":{"SECRET":1},"f":{"age":["SECRET"],"country":null,"age_ts":"SECRET"}}`,
		`{"ts":%q,"version":"v1","score":0.5,"label":"ham","SECRET":"SECRET","f":{"age":NUMBER,"country":"CH"}}`,
		`{"ts":"SECRET","version":"v1","score":0.5,"label":"ham","f":{"age":1,"country":"CH"}}`,
		`{"ts":%q,"SECRET`, `SECRET`, `{"ts":%q,"score":SECRET}`, `[{"SECRET":1}]`, `{"ts":%q,"label":"\uSECRET"}`,
	}
	for _, learn := range []string{"50 hours", "300 records"} {
		learn = strings.Replace(learn, " hours", "h", 1)
		t.Run(learn, func(t *testing.T) {
			logs, state := t.TempDir(), t.TempDir()
			now := time.Now().UTC()
			var b strings.Builder
			line := func(format string, at time.Time) {
				if strings.Contains(format, "%q") {
					format = fmt.Sprintf(format, at.Format(time.RFC3339Nano))
				}
				b.WriteString(strings.NewReplacer("SECRET", secret, "NUMBER", number).Replace(format) + "\n")
			}
			for i := range 1000 {
				at := now.Add(time.Duration(i-1000) * 50 * time.Millisecond)
				line(fmt.Sprintf(`{"ts":%%q,"version":"v1","score":0.%d,"label":"ham","f":{"age":%d,"country":"CH","note":"plain"}}`, i%10, i%7), at)
				if i%250 == 100 {
					for _, p := range planted {
						line(p, at)
					}
				}
			}
			path := filepath.Join(logs, "a.log")
			if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			logger := slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
			for range 3 {
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				l, err := New(Options{
					Models: []*monitor.Model{parseModel(t, fmt.Sprintf(secretModel, logs, learn))}, StateDir: state, Interval: 10 * time.Millisecond, Logger: logger,
					Publish: func(b catalog.Batch) {
						for _, s := range b.Samples {
							fmt.Fprintln(&out, s.Metric.Name, s.Labels, s.Value)
							if s.Hist != nil {
								fmt.Fprintln(&out, s.Hist.Bounds, s.Hist.Counts)
							}
						}
						if total(b, catalog.TailLines) >= 1048 {
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
			}
			for _, needle := range []string{secret, "s3cr3t", "Jane", number, "8.67530912345e+11"} {
				if i := strings.Index(out.String(), needle); i >= 0 {
					t.Errorf("%q came out: …%q", needle, out.String()[max(0, i-120):min(out.Len(), i+60)])
				}
			}
			if !strings.Contains(out.String(), "plumbline_records_total [secrets v1]") {
				t.Error("nothing came out at all")
			}
		})
	}
}
