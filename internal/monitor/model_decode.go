package monitor

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// LoadModels reads every *.yaml and *.yml in a folder, in the order of their names. It returns the models that are
// good together with an error for those that are not, so that the caller decides whether one bad file
// stops everything (at start) or only itself (on reload). Files that begin with a dot are left out: editors and
// Kubernetes keep their own there.
func LoadModels(dir string) ([]*Model, error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("read folder of model files: %w", err)
	}
	var models []*Model
	d := decoder{}
	taken := map[string]string{}
	for _, n := range names {
		ext := filepath.Ext(n.Name())
		if strings.HasPrefix(n.Name(), ".") || (ext != ".yaml" && ext != ".yml") {
			continue
		}
		path := filepath.Join(dir, n.Name())
		m, err := LoadModel(path)
		if err != nil {
			d.problems = append(d.problems, err)
			continue
		}
		if first, ok := taken[m.Name]; ok {
			d.problems = append(d.problems, &Problem{File: path, Line: m.place[0], Column: m.place[1], Key: "model", Text: fmt.Sprintf("the name %q is taken by %s", m.Name, first), Fix: "give each model its own name"})
			continue
		}
		taken[m.Name] = path
		models = append(models, m)
	}
	return models, d.err()
}

// LoadModel reads one model file.
func LoadModel(path string) (*Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read model file: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxModelFileBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read model file %s: %w", path, err)
	}
	return ParseModel(path, data)
}

// ParseModel validates the text of a model file. The error lists everything that is wrong, each with file, line and
// column; see Problems.
func ParseModel(file string, data []byte) (*Model, error) {
	d := &decoder{file: file}
	if len(data) > maxModelFileBytes {
		d.fail(nil, "", "is longer than 1 MiB", "one model", "")
		return nil, d.err()
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&doc); err != nil {
		d.syntax(err)
		return nil, d.err()
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		d.fail(nil, "", "is empty", "a model", "start with model: and a name")
		return nil, d.err()
	}
	var second yaml.Node
	if err := dec.Decode(&second); err == nil {
		d.fail(&second, "", "holds a second document", "one model a file", "put it into a file of its own")
	}
	m := defaultModel(file)
	d.model(m, doc.Content[0])
	if err := d.err(); err != nil {
		return nil, err
	}
	return m, nil
}

var yamlLine = regexp.MustCompile(`line (\d+)(?:, column (\d+))?: (.*)`)

// syntax turns an error of the YAML library into a problem. Its text names tokens, never the model's data.
func (d *decoder) syntax(err error) {
	if err == io.EOF {
		d.fail(nil, "", "is empty", "a model", "start with model: and a name")
		return
	}
	p := &Problem{File: d.file, Line: 1, Column: 1, Text: "is not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := yamlLine.FindStringSubmatch(err.Error()); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		if c, err := strconv.Atoi(m[2]); err == nil {
			p.Column = c
		}
		p.Text = "is not YAML: " + m[3]
		if strings.HasPrefix(m[3], "did not find expected") {
			p.Line++ // the library counts from zero in messages of its parser, from one in those of its scanner
		}
	}
	d.problems = append(d.problems, p)
}

var modelName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:/-]{0,127}$`)

func (d *decoder) model(m *Model, root *yaml.Node) {
	entries := d.mapping(root, "", "model", "logs", "fields", "predictions", "features", "segments", "max_series", "truth", "reference", "windows", "pane", "bucket",
		"lateness", "false_pages", "false_page_probability", "tolerance", "min_records", "silence", "volume", "privacy", "max_categories", "max_features", "multivariate", "embeddings")
	if entries == nil && len(d.problems) > 0 {
		return
	}
	has := map[string]entry{}
	for _, e := range entries {
		has[e.name] = e
	}
	for _, e := range entries {
		switch e.name {
		case "model":
			if s, ok := d.text(e, "a name"); ok {
				if !modelName.MatchString(s) {
					d.fail(e.val, e.path, fmt.Sprintf("%q cannot be a name", clip(s)), "letters, digits and . _ : / -, at most 128 of them", "")
				}
				m.Name, m.place = s, [2]int{e.val.Line, e.val.Column}
			}
		case "logs":
			d.logs(m, e)
		case "fields":
			d.fields(m, e)
		case "predictions":
			d.predictions(m, e)
		case "features":
			d.features(m, e)
		case "segments":
			d.segments(m, e)
		case "truth":
			d.truth(m, e)
		case "max_series":
			if v, ok := d.integer(e, 50, maxMaxSeries); ok {
				m.MaxSeries = int(v)
			}
		case "reference":
			d.reference(m, e)
		case "windows":
			d.windows(m, e)
		case "pane":
			if v, ok := d.duration(e, 100*time.Millisecond, 24*time.Hour); ok {
				m.Pane = v
			}
		case "bucket":
			if v, ok := d.duration(e, 100*time.Millisecond, 7*24*time.Hour); ok {
				m.Bucket = v
			}
		case "lateness":
			if v, ok := d.duration(e, 0, 7*24*time.Hour); ok {
				m.Lateness = v
			}
		case "false_pages":
			if b, ok := d.budget(e); ok {
				m.Budget = b
			}
		case "false_page_probability":
			if b, ok := d.probability(e); ok {
				m.Budget = b
			}
			if _, both := has["false_pages"]; both {
				d.fail(e.key, e.path, "false_pages and false_page_probability exclude each other", "one of them", "")
			}
		case "tolerance":
			m.Tolerance = d.tolerance(e, m.Tolerance)
		case "min_records":
			if v, ok := d.integer(e, 1, 1e9); ok {
				m.MinRecords = uint64(v)
			}
		case "silence":
			if v, ok := d.duration(e, time.Second, 366*24*time.Hour); ok {
				m.Silence = v
			}
		case "volume":
			m.Volume = d.volume(e)
		case "privacy":
			for _, p := range d.mapping(e.val, e.path, "min_category_count") {
				if v, ok := d.integer(p, 1, 1e9); ok {
					m.MinCategoryCount = uint64(v)
				}
			}
		case "max_categories":
			if v, ok := d.integer(e, 1, maxCategoryLimit); ok {
				m.MaxCategories = int(v)
			}
		case "multivariate":
			m.Multivariate = d.boolean(e)
		case "embeddings":
			m.Embeddings = d.embeddings(e)
		case "max_features":
			if v, ok := d.integer(e, 1, maxFeatureLimit); ok {
				m.MaxFeatures = int(v)
			}
		}
	}
	if m.Name == "" {
		if _, ok := has["model"]; !ok {
			d.fail(root, "model", "is missing", "the model's name", "add model: my-model")
		}
	}
	if _, ok := has["logs"]; !ok {
		d.fail(root, "logs", "is missing", "which logs to read", "add logs: {include: [/var/log/my-model/*.jsonl], format: json}")
	}
	if e, ok := has["features"]; ok {
		d.tooMany(m, e)
	}
	d.times(m, root, has)
	m.applyPreset()
	d.truthComplete(m, has["truth"])
	d.compile(m, root)
	if m.Score == nil && m.Label == nil && len(m.Features) == 0 && len(d.problems) == 0 {
		d.fail(root, "features", "neither predictions nor features are named", "at least one of them", "add features: [{path: features.*}]")
	}
}

// times checks what pane, bucket, lateness and windows must be to each other.
func (d *decoder) times(m *Model, root *yaml.Node, has map[string]entry) {
	at := func(names ...string) *yaml.Node {
		for _, n := range names {
			if e, ok := has[n]; ok {
				return e.val
			}
		}
		return root
	}
	if m.Bucket%m.Pane != 0 {
		if _, set := has["bucket"]; !set && m.Bucket < m.Pane {
			m.Bucket = m.Pane
		} else if !set {
			m.Bucket = (m.Bucket/m.Pane + 1) * m.Pane
		} else {
			d.fail(at("bucket"), "bucket", FormatDuration(m.Bucket)+" is not a whole number of panes of "+FormatDuration(m.Pane), "a multiple of pane", "")
		}
	}
	if m.Lateness > maxOpenPanes/2*m.Pane {
		d.fail(at("lateness", "pane"), "lateness", fmt.Sprintf("%s is more than %d panes of %s", FormatDuration(m.Lateness), maxOpenPanes/2, FormatDuration(m.Pane)),
			"a smaller lateness or a larger pane", fmt.Sprintf("write pane: %s", FormatDuration(max(m.Lateness/(maxOpenPanes/2), time.Second))))
	}
	for _, w := range m.Windows {
		if w < m.Pane {
			if _, set := has["windows"]; set {
				d.fail(at("windows"), "windows", FormatDuration(w)+" is shorter than the pane of "+FormatDuration(m.Pane), "windows of at least one pane", "")
			} else {
				m.Windows = slices.DeleteFunc(slices.Clone(m.Windows), func(w time.Duration) bool { return w < m.Pane })
				if len(m.Windows) == 0 {
					m.Windows = []time.Duration{m.Pane}
				}
			}
			break
		}
	}
}

func (d *decoder) windows(m *Model, e entry) {
	m.Windows = nil
	texts := d.texts(e, "a list of durations such as [10m, 1h, 24h]")
	for i, s := range texts {
		item := e.val
		if e.val.Kind == yaml.SequenceNode {
			item = e.val.Content[i]
		}
		if v, ok := d.duration(entry{val: deref(item), path: e.path}, time.Second, 366*24*time.Hour); ok {
			_ = s
			m.Windows = append(m.Windows, v)
		}
	}
	slices.Sort(m.Windows)
	if n := len(m.Windows); len(slices.Compact(slices.Clone(m.Windows))) != n {
		d.fail(e.val, e.path, "a window stands twice", "different durations", "")
	}
	if len(m.Windows) > maxWindows {
		d.fail(e.val, e.path, fmt.Sprintf("%d windows", len(m.Windows)), fmt.Sprintf("at most %d", maxWindows), "")
	}
}

func (d *decoder) tolerance(e entry, t Tolerance) Tolerance {
	for _, k := range d.mapping(e.val, e.path, "odds", "share", "distribution", "volume") {
		switch k.name {
		case "odds":
			if v, ok := d.float(k, 1, 1000); ok {
				t.Odds = v
			}
		case "share":
			if v, ok := d.float(k, 0, 1); ok {
				t.Share = v
			}
		case "volume":
			if v, ok := d.float(k, 1, 1000); ok {
				t.Volume = v
			}
		case "distribution":
			if v, ok := d.float(k, 0, 1); ok {
				t.Distribution = v
			}
		}
	}
	return t
}

func (d *decoder) reference(m *Model, e entry) {
	r := ReferenceConfig{}
	set := map[string]entry{}
	for _, k := range d.mapping(e.val, e.path, "file", "learn", "from", "until", "rolling", "season", "page_while_learning", "exclude", "on_new_version", "version_file") {
		set[k.name] = k
		switch k.name {
		case "on_new_version":
			r.OnNewVersion = d.onNewVersion(k)
		case "version_file":
			r.VersionFile, _ = d.text(k, "the path of reference files with {version} in it")
			if !strings.Contains(r.VersionFile, versionMark) {
				d.fail(k.val, k.path, fmt.Sprintf("%q does not say where the version stands", clip(r.VersionFile)), "a path with {version}", "write, for example, references/spam-{version}.json")
			}
		case "file":
			r.File, _ = d.text(k, "the path of a file that plumbline reference build wrote")
		case "learn":
			d.learn(k, &r)
		case "from":
			r.From = d.instant(k)
		case "until":
			r.Until = d.instant(k)
		case "rolling":
			r.Rolling, _ = d.duration(k, settle, 366*24*time.Hour)
		case "season":
			r.Flat = d.season(k)
		case "page_while_learning":
			r.PageWhileLearning = d.boolean(k)
		case "exclude":
			r.Exclude = d.spans(k)
		}
	}
	if k, ok := set["version_file"]; ok != (r.OnNewVersion == onVersionFile) {
		if !ok {
			k = set["on_new_version"]
		}
		d.fail(k.key, e.path, "on_new_version: file and version_file belong together", "both, or neither", "write on_new_version: file and version_file: references/spam-{version}.json")
	}
	if file, ok := set["file"]; ok && (r.Records > 0 || r.For > 0 || r.Rolling > 0 || !r.From.IsZero() || !r.Until.IsZero()) {
		d.fail(file.key, e.path, "file and learn exclude each other", "either file, or rolling, or learn, from and until", "")
	}
	if k, ok := set["page_while_learning"]; ok && r.File != "" {
		d.fail(k.key, k.path, "page_while_learning beside a file", "it without file", "take it out: what a file holds is not being learned, and pages")
	}
	if k, ok := set["rolling"]; ok && (r.Records > 0 || r.For > 0 || !r.From.IsZero() || !r.Until.IsZero()) {
		d.fail(k.key, e.path, "rolling and learn exclude each other", "one of them", "")
	}
	if !r.Until.IsZero() && !r.Until.After(r.From) {
		d.fail(set["until"].val, join(e.path, "until"), "is not after from", "a later time", "")
	}
	if r.File == "" && r.Records == 0 && r.For == 0 && r.Rolling == 0 && r.Until.IsZero() {
		if from, ok := set["from"]; ok {
			d.fail(from.key, e.path, "from alone has no end", "until, or learn", "add until: or learn: 24h")
		} else if len(set) > 0 && len(d.problems) == 0 {
			r.For = defaultLearn
		} else if len(d.problems) == 0 {
			d.fail(e.val, e.path, "says nothing", "file or learn", "write {learn: 28d} or {file: references/my-model.json}")
		}
	}
	m.Reference = r
	m.notes = append(m.notes, r.notes()...)
}
