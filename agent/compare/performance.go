package compare

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/parse"
)

// Performance says how right the model was, where the truth is in the file, and what it is estimated to be where it is not.
type Performance struct {
	Positive   string     `json:"positive"` // the true class that counts as positive
	Calibrated bool       `json:"calibrated"`
	Assumption string     `json:"assumption"`
	Reference  Performing `json:"reference"`
	Current    Performing `json:"current"`
	Disagree   []string   `json:"disagree,omitempty"` // metrics of current whose estimate and truth have no value in common
}

// Performing is the performance in one file.
type Performing struct {
	Records   uint64                      `json:"records"`  // with a prediction
	Labelled  uint64                      `json:"labelled"` // of them, with their truth
	Realised  []monitor.PerformanceMetric `json:"realised,omitempty"`
	Estimated []monitor.PerformanceMetric `json:"estimated,omitempty"` // from the scores alone
	ROCAUC    float64                     `json:"estimated_roc_auc,omitempty"`
	AP        float64                     `json:"estimated_average_precision,omitempty"`
}

// comparePerformance judges both files. The labels of the reference say what a score is worth in the current one.
func comparePerformance(m *monitor.Model, ref, cur *table) (*Performance, error) {
	a, err := judge(m, ref)
	if err != nil {
		return nil, err
	}
	b, err := judge(m, cur)
	if err != nil {
		return nil, err
	}
	p := &Performance{Positive: m.Truth.Positive, Assumption: "a score is worth in the current file what it was worth in the reference"}
	p.Reference = Performing{Records: a.Records(), Labelled: a.Labelled(), Realised: a.Realised()}
	p.Calibrated = b.Calibrate(a)
	if !p.Calibrated {
		p.Assumption = "scores are probabilities as they are: the reference has too few labels to calibrate them"
	}
	p.Current = Performing{Records: b.Records(), Labelled: b.Labelled(), Realised: b.Realised(), Estimated: b.Estimated()}
	p.Current.ROCAUC, p.Current.AP = b.AUC()
	for _, r := range p.Current.Realised {
		for _, e := range p.Current.Estimated {
			if e.Name == r.Name && (e.Upper < r.Lower || e.Lower > r.Upper) {
				p.Disagree = append(p.Disagree, r.Name)
			}
		}
	}
	return p, nil
}

func judge(m *monitor.Model, t *table) (*monitor.Judge, error) {
	j, err := monitor.NewJudge(m)
	if err != nil {
		return nil, err
	}
	at := func(p *monitor.PredictionConfig) *column {
		if p == nil {
			return nil
		}
		return t.byName[p.Path]
	}
	score, label, truth := at(m.Score), at(m.Label), t.byName[m.Truth.Path]
	for row := range t.rows {
		j.Add(score.value(row), label.value(row), truth.value(row))
	}
	return j, nil
}

// value is a cell as a parser would have read it. A column that is not there has none.
func (c *column) value(row int) parse.Value {
	if c == nil || row >= len(c.cells) {
		return parse.Value{}
	}
	switch v := c.cells[row]; {
	case v.text == isNumber:
		return parse.Value{Kind: parse.Number, Num: v.number, Str: strconv.AppendFloat(nil, v.number, 'g', -1, 64)}
	case v.text >= 0:
		return parse.Value{Kind: parse.String, Str: []byte(c.texts[v.text])}
	default:
		return parse.Value{}
	}
}

// notes are the lines about performance under the table.
func (p *Performance) notes() string {
	var b strings.Builder
	line := func(metrics []monitor.PerformanceMetric) string {
		var out []string
		for _, m := range metrics {
			switch m.Name {
			case "accuracy", "precision", "recall", "false_positive_rate", "calibration_error":
				out = append(out, fmt.Sprintf("%s %.3f (%.3f to %.3f)", strings.ReplaceAll(m.Name, "_", " "), m.Value, m.Lower, m.Upper))
			}
		}
		return strings.Join(out, ", ")
	}
	for _, side := range []struct {
		name string
		p    *Performing
	}{{"reference", &p.Reference}, {"current", &p.Current}} {
		if len(side.p.Realised) > 0 {
			fmt.Fprintf(&b, "performance, %s: %s; by the truth of %d of %d records\n", side.name, line(side.p.Realised), side.p.Labelled, side.p.Records)
		}
	}
	if len(p.Current.Estimated) > 0 {
		fmt.Fprintf(&b, "performance, current, estimated from the scores: %s; assuming that %s\n", line(p.Current.Estimated), p.Assumption)
	}
	if len(p.Disagree) > 0 {
		fmt.Fprintf(&b, "estimate and truth disagree on %s: do not trust the estimate\n", strings.Join(p.Disagree, ", "))
	}
	return b.String()
}
