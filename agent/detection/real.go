package detection

import (
	"bufio"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/detectors/sequential/simulate"
	"github.com/plumbline-ml/plumbline/internal/catalog"
	"github.com/plumbline-ml/plumbline/internal/ingest"
	"github.com/plumbline-ml/plumbline/internal/monitor"
)

// real is a log of the shared test data.
type real struct {
	name        string
	files       []string
	model       string
	at          *regexp.Regexp // the second group is the time of a line
	from, until string         // of the lines that are shuffled, as the pattern finds them
	watch       time.Time      // from here on the model watches
	days        float64        // that it then does, in the shuffled log
	drift       time.Time      // when something is known to have moved
	limit       float64        // days until it must be noticed
	column      string         // that must be in alarm by then, for whatever cause
	header      bool
}

const rspamdModel = `
model: rspamd
logs: {include: [/logs/*], format: rspamd}
fields:
  timestamp: {path: file, pattern: '^ord/\d+\.(\d{8}T\d{6})', layout: 20060102T150405}
predictions:
  score: {path: score, kind: number}
  label: {path: action, positive: reject}
features:
  - {path: len, kind: number}
  - {path: symbols, kind: number}
  - {path: bayes, kind: number}
reference: {from: 2002-08-01, until: 2002-09-01}
false_pages: 1 per 30d
pane: 1h
bucket: 24h
windows: [24h, 7d]
lateness: 2h
min_records: 20
`

const housingModel = `
model: housing
logs: {include: [/logs/*.csv], format: csv}
fields:
  timestamp: {path: timestamp, layout: "2006-01-02 15:04:05"}
predictions:
  score: {path: y_pred_proba, kind: probability}
  label: {path: y_pred, positive: "1"}
features:
  - {path: MedInc, kind: number}
  - {path: HouseAge, kind: number}
  - {path: AveRooms, kind: number}
  - {path: AveBedrms, kind: number}
  - {path: Population, kind: number}
  - {path: AveOccup, kind: number}
  - {path: Latitude, kind: number}
  - {path: Longitude, kind: number}
reference: {from: 2020-10-01, until: 2021-06-01}
false_pages: 1 per 30d
pane: 1h
bucket: 24h
windows: [24h, 7d]
lateness: 2h
min_records: 20
`

func reals() []real {
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	return []real{
		{
			name: "rspamd over the SpamAssassin corpus", files: []string{"rspamd-2001-2002.log.gz"}, model: rspamdModel,
			at: regexp.MustCompile(`(file: ord/\d+\.)(\d{8}T\d{6})`), from: "20020801", until: "20021101",
			watch: day(2002, 9, 1), days: 61,
			// The score's median moves from -.09 in August to 1.11 in September and 2.53 in October.
			drift: day(2002, 9, 1), limit: 60, column: "score",
		},
		{
			name: "california_housing", files: []string{"california_housing_reference.csv", "california_housing_analysis.csv"}, model: housingModel,
			at: regexp.MustCompile(`(,)(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)`), from: "2020", until: "2023", header: true,
			watch: day(2021, 6, 1), days: 343,
			// The analysis is about other places: Latitude and Longitude differ by a Kolmogorov-Smirnov distance of .5.
			drift: day(2021, 6, 1), limit: 14, column: "Latitude",
		},
	}
}

// realCases are those over the logs that are there.
func realCases(data string) []simulate.Case {
	var out []simulate.Case
	for _, l := range reals() {
		paths := make([]string, len(l.files))
		missing := data == ""
		for i, f := range l.files {
			paths[i] = filepath.Join(data, f)
			if _, err := os.Stat(paths[i]); err != nil {
				missing = true
			}
		}
		if missing {
			continue
		}
		out = append(out, simulate.Case{
			Group: "real logs, 1 page per 30 days, dealt out in random order", Name: l.name, Allowed: 1, Cost: 600, Runs: 4,
			Run: func(r *simulate.RNG) simulate.Sample {
				files, clean := l.shuffled(r, paths)
				defer clean()
				w := l.replay(files)
				return simulate.Sample{Pages: w.count, Periods: l.days / 30}
			},
		}, simulate.Case{
			Group: "real logs, 1 page per 30 days, as they are", Name: l.name + ": " + l.column, Unit: "days", Limit: l.limit, Cost: 600, Runs: 1,
			Run: func(*simulate.RNG) simulate.Sample {
				w := l.replay(paths)
				at, ok := w.when[l.column]
				if !ok || at.Before(l.drift) {
					return simulate.Sample{Delay: simulate.Missed}
				}
				return simulate.Sample{Delay: max(1, int(at.Sub(l.drift).Hours()/24+.5))}
			},
		})
	}
	return out
}

// witness sees what is published.
type witness struct {
	raised float64
	count  int
	when   map[string]time.Time // the first alarm of each column
}

func (w *witness) publish(b catalog.Batch) error {
	raised := 0.
	for _, x := range b.Samples {
		switch x.Metric {
		case catalog.Alarms:
			raised += x.Value
		case catalog.Alarm:
			if _, ok := w.when[x.Labels[1]]; !ok && x.Value == 1 {
				w.when[x.Labels[1]] = b.Time
			}
		}
	}
	if raised > w.raised {
		w.count++
	}
	w.raised = raised
	return nil
}

func (l *real) replay(files []string) *witness {
	m, err := monitor.ParseModel("model.yaml", []byte(l.model))
	if err != nil {
		panic(err)
	}
	w := &witness{when: map[string]time.Time{}}
	stats, err := ingest.Replay(context.Background(), ingest.ReplayOptions{
		Models: []*monitor.Model{m}, Files: files, Step: time.Hour, Publish: w.publish, Metrics: read,
	})
	if err != nil {
		panic(err)
	}
	if stats.Records == 0 || stats.ErrorsTotal() > 0 {
		panic(fmt.Sprintf("%s: %d records, errors %v", l.name, stats.Records, stats.Errors))
	}
	return w
}

// shuffled deals the lines out in random order: the times stay where they are, the rest changes places. clean removes
// the files again.
func (l *real) shuffled(r *simulate.RNG, paths []string) (files []string, clean func()) {
	dir, err := os.MkdirTemp("", "plumbline-detection-")
	if err != nil {
		panic(err)
	}
	var lines, times, head []string
	var ends []int
	for _, path := range paths {
		all := readLines(path)
		if l.header {
			head = append(head, all[0])
			all = all[1:]
		}
		for _, line := range all {
			if m := l.at.FindStringSubmatch(line); m != nil && m[2] >= l.from && m[2] < l.until {
				lines, times = append(lines, line), append(times, m[2])
			}
		}
		ends = append(ends, len(lines))
	}
	if l.header && len(head) > 1 {
		// Columns differ between the files; the shuffled one has those of the last, which all have.
		lines = project(lines, ends, head)
		head = head[len(head)-1:]
	}
	r.Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	var b strings.Builder
	if l.header {
		b.WriteString(head[0] + "\n")
	}
	for i, line := range lines {
		b.WriteString(l.at.ReplaceAllString(line, "${1}"+times[i]) + "\n")
	}
	out := filepath.Join(dir, "shuffled.csv")
	if err := os.WriteFile(out, []byte(b.String()), 0o600); err != nil {
		panic(err)
	}
	return []string{out}, func() { os.RemoveAll(dir) }
}

// project gives the lines of earlier files the columns of the last one.
func project(lines []string, ends []int, head []string) []string {
	want := strings.Split(head[len(head)-1], ",")
	begin := 0
	for f, end := range ends {
		have := strings.Split(head[f], ",")
		for i := begin; i < end; i++ {
			cells := strings.Split(lines[i], ",")
			row := make([]string, len(want))
			for j, name := range want {
				for k := range have {
					if have[k] == name {
						row[j] = cells[k]
					}
				}
			}
			lines[i] = strings.Join(row, ",")
		}
		begin = end
	}
	return lines
}

func readLines(path string) (out []string) {
	f, err := os.Open(path)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if in, err = gzip.NewReader(f); err != nil {
			panic(err)
		}
	}
	sc := bufio.NewScanner(in)
	sc.Buffer(nil, 1<<20)
	for sc.Scan() {
		out = append(out, sc.Text())
	}
	if err := sc.Err(); err != nil {
		panic(err)
	}
	return out
}
