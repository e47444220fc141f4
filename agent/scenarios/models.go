package scenarios

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/plumbline-ml/plumbline/internal/monitor"
	"github.com/plumbline-ml/plumbline/internal/parse"
	"github.com/plumbline-ml/plumbline/internal/simulator"
)

// referenceRecords is how many undisturbed records the reference of the table holds.
const referenceRecords = 40_000

// modelText is a model of the table: two windows, a reference file. What stands in capitals differs between models.
const modelText = `model: spam
logs: {include: ["*.jsonl"], format: json}
fields: {timestamp: ts, version: version, replica: replicaFIELDS}
predictions:
  score: {path: prediction.score, kind: probability}
  label: {path: prediction.label, positive: spam}
features:
FEATURES
reference: {file: REFERENCERULE}
volume: reference
false_pages: 1 per 30d
windows: [10m, 1h]
MORE`

const (
	allFeatures = `  - {path: features.*, name: "*"}
  - {path: features.domain_rep, name: domain_rep, kind: number, updated_at: features.domain_rep_ts, max_age: 15m}
  - {path: features.domain_rep_ts, ignore: true}`
	// fewFeatures are enough for what is no matter of features.
	fewFeatures = `  - {path: features.ent, name: ent}
  - {path: features.bayes, name: bayes}
  - {path: features.geo, name: geo}`
)

// variant is one of the models of the table, and what is normal in its traffic.
type variant struct {
	fields   string // further entries of fields
	features string // empty means all
	rule     string // further entries of reference
	more     string // further entries of the model file
	spam     float64
	nulls    map[string]float64
	versions map[string]float64 // of another reference file for each version: how many times as much spam it calls
}

// models are those that rows name; the usual one has no name.
var models = map[string]variant{
	"":          {},
	"truth":     {fields: ", id: id", features: fewFeatures, more: "truth: {path: truth}\n"},
	"sender":    {fields: ", entity: sender", features: fewFeatures},
	"feast":     {features: `  - {path: features.*, name: "*", max_age: 15m}`},
	"rare":      {features: fewFeatures, spam: .002},
	"nulls":     {features: fewFeatures, nulls: map[string]float64{"ent": .05}},
	"tenants":   {features: fewFeatures, more: "segments: [{path: tenant}]\n"},
	"learns":    {features: fewFeatures, rule: ", on_new_version: learn"},
	"follows":   {features: fewFeatures, rule: ", on_new_version: file, version_file: \"of-{version}.json\"", versions: map[string]float64{normalVersion: 1, nextVersion: 2}},
	"forgotten": {features: fewFeatures, rule: ", on_new_version: file, version_file: \"of-nobody-{version}.json\""},
}

// text is the model file.
func (v variant) text(reference, rule string) []byte {
	features := v.features
	if features == "" {
		features = allFeatures
	}
	return []byte(strings.NewReplacer("FIELDS", v.fields, "FEATURES", features, "REFERENCE", reference, "RULE", rule, "MORE", v.more).Replace(modelText))
}

// modelKey names a model file.
type modelKey struct {
	of     string
	season bool
}

// writeModels makes the model files of the rows, each beside its reference, and says where they are.
func writeModels(dir string, rows []Row, seed uint64) (map[modelKey]string, error) {
	out := map[modelKey]string{}
	for _, r := range rows {
		if _, ok := out[modelKey{r.Of, false}]; ok {
			continue
		}
		v, ok := models[r.Of]
		if !ok {
			return nil, fmt.Errorf("%s: there is no model %q", r.Key(), r.Of)
		}
		of := filepath.Join(dir, "of-"+r.Of)
		if err := os.Mkdir(of, 0o700); err != nil {
			return nil, err
		}
		if err := v.write(of, seed); err != nil {
			return nil, fmt.Errorf("model %q: %w", r.Of, err)
		}
		for _, season := range []bool{false, true} {
			out[modelKey{r.Of, season}] = filepath.Join(of, fileName(season)+".yaml")
		}
	}
	return out, nil
}

func fileName(season bool) string {
	if season {
		return "seasonal"
	}
	return "steady"
}

// write makes the references from undisturbed traffic, with that of a steady rate and of day and night, and writes them beside the model
// files.
func (v variant) write(dir string, seed uint64) error {
	ref, err := v.reference(dir, 1, seed)
	if err != nil {
		return err
	}
	for _, season := range []bool{false, true} {
		ref.Volume = traffic(seed, -1, 0)
		if season {
			ref.Volume = traffic(seed, swing, day)
		}
		name := fileName(season)
		if err := writeReference(filepath.Join(dir, name+".json"), ref); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), v.text(name+".json", v.rule), 0o600); err != nil {
			return err
		}
	}
	for version, times := range v.versions {
		ref, err := v.reference(dir, times, seed)
		if err != nil {
			return err
		}
		ref.Volume = traffic(seed, -1, 0)
		if err := writeReference(filepath.Join(dir, "of-"+version+".json"), ref); err != nil {
			return err
		}
	}
	return nil
}

// reference is that of a version which calls so many times as much spam.
func (v variant) reference(dir string, times float64, seed uint64) (*monitor.Reference, error) {
	m, err := monitor.ParseModel(filepath.Join(dir, "model.yaml"), v.text("none.json", ""))
	if err != nil {
		return nil, err
	}
	b, err := monitor.NewReferenceBuilder(m)
	if err != nil {
		return nil, err
	}
	opts := optionsFor(m, cmp.Or(v.spam, normalSpam))
	opts.Seed = seed + 1_000_000
	sim := simulator.New(opts)
	sim.Overcall(opts.SpamShare * (times - 1))
	for name, share := range v.nulls {
		if err := sim.SetFault(name, simulator.Fault{Null: share}); err != nil {
			return nil, err
		}
	}
	parser := b.Plan().NewParser()
	var rec parse.Record
	var line []byte
	var offset int64
	for i := range referenceRecords {
		// Over four weeks before the scenarios, so that the reference does not count as young.
		at := start.Add(-30*24*time.Hour + time.Duration(i)*(29*24*time.Hour/referenceRecords)).Truncate(time.Millisecond)
		line = sim.AppendRecord(line[:0], at)
		if m.Truth != nil {
			_, spam := sim.Truth()
			truth := "ham"
			if spam {
				truth = "spam"
			}
			line = fmt.Appendf(line[:len(line)-2], `,"truth":%q}`+"\n", truth)
		}
		if r := parser.Line(line[:len(line)-1], offset, &rec); r.Status != parse.Complete {
			return nil, errNotReadable
		}
		offset += int64(len(line))
		b.Observe(&rec)
	}
	return b.Reference()
}

func writeReference(path string, ref *monitor.Reference) error {
	data, err := ref.Encode()
	if err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o600)
}

// traffic counts four weeks of requests at the rate of the table, without their records.
func traffic(seed uint64, swing float64, day time.Duration) *monitor.ReferenceVolume {
	sim := simulator.New(simulator.Options{Seed: seed + 2_000_000, Rate: usualPerMinute / 60., Swing: swing, Day: day})
	hours := make([]monitor.VolumeHours, 168)
	for at := start.Add(-28 * 24 * time.Hour).Truncate(24 * time.Hour); at.Before(start.Truncate(24 * time.Hour)); at = at.Add(time.Minute) {
		n := float64(sim.Requests(at, at.Add(time.Minute)))
		h := (int(at.Weekday())+6)%7*24 + at.Hour()
		hours[h].Hour = h
		hours[h].Buckets++
		hours[h].Records += n
		hours[h].Squares += n * n
	}
	return &monitor.ReferenceVolume{Bucket: "1m", Hours: hours}
}
