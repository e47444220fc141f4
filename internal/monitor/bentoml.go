package monitor

import (
	"bytes"
	"cmp"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

// Bounds of the search for a schema.
const (
	maxSchemaFiles = 16        // newest ones
	schemaBytes    = 256 << 10 // of each: the end of a schema file, the beginning of a log in which schema and data are mixed
	recordBytes    = 64 << 10  // the end of a data file, for the keys of its newest record
)

// applyBentoML takes roles and kinds from the schema that bentoml.monitor writes beside its data: names are all that
// a record has. Without a schema every column is followed as a feature.
func (m *Model) applyBentoML() {
	if m.Timestamp.Path == "" {
		m.Timestamp.Path = "timestamp"
	}
	if m.Score != nil || m.Label != nil || len(m.Features) > 0 {
		return
	}
	if s := findSchema(m.Logs.Include); s != nil && m.applySchema(s) {
		m.notes = append(m.notes, "predictions and features: not set; those of the schema that BentoML wrote beside the data")
		return
	}
	m.schemaless = true
	m.Features = []FeatureConfig{{Path: "*", Kind: KindAuto}}
	m.notes = append(m.notes, "predictions and features: not set, and no schema is beside the data; every column of the monitor is followed as a feature")
}

// Schemaless says that the model follows whatever it finds because the schema that it needs was not there when its file
// was read. Reading the file again may find it.
func (m *Model) Schemaless() bool { return m.schemaless }

// applySchema names the columns of a schema. The first number that is predicted is the score, the first category the
// label; a target is the truth, not an input, and free text is not profiled.
func (m *Model) applySchema(s *parse.Schema) bool {
	for _, c := range s.Columns {
		switch {
		case c.Role == parse.RoleScore && m.Score == nil:
			m.Score = &PredictionConfig{Path: c.Path, Kind: KindNumber}
		case c.Role == parse.RoleLabel && m.Label == nil:
			m.Label = &PredictionConfig{Path: c.Path, Kind: KindCategory}
		case c.Role == parse.RoleTarget:
		case c.Kind == parse.ColumnNumber:
			m.Features = append(m.Features, FeatureConfig{Path: c.Path, Kind: KindNumber})
		case c.Kind == parse.ColumnCategory:
			m.Features = append(m.Features, FeatureConfig{Path: c.Path, Kind: KindCategory})
		case c.Kind == parse.ColumnSequence:
			m.Features = append(m.Features, FeatureConfig{Path: c.Path + ".*", Kind: KindNumber})
		}
	}
	m.Features = m.Features[:min(len(m.Features), m.MaxFeatures)]
	return m.Score != nil || m.Label != nil || len(m.Features) > 0
}

// findSchema looks for the schema of logs: in schema/ beside data/, or, where one stream has both, between the data. Two
// monitors of one process can write into each other's files, so of several schemas the one counts that names most of
// the keys of the newest record, and of equals the newest.
func findSchema(globs []string) *parse.Schema {
	var best *parse.Schema
	most := -1
	for _, glob := range globs {
		data := newest(glob)
		keys := lastKeys(data)
		schemas := schemasIn(newest(besideData(glob)), true)
		if len(schemas) == 0 {
			schemas = schemasIn(data, false)
		}
		for _, s := range schemas {
			named := 0
			for _, c := range s.Columns {
				if keys[c.Path] {
					named++
				}
			}
			if named >= most {
				best, most = s, named
			}
		}
	}
	return best
}

// besideData is the glob of the schema files that belong to data files; empty if the folder is not called data.
func besideData(glob string) string {
	folder, name := filepath.Split(glob)
	folder = filepath.Clean(folder)
	if filepath.Base(folder) != "data" {
		return ""
	}
	return filepath.Join(filepath.Dir(folder), "schema", strings.Replace(name, "data", "schema", 1))
}

// newest lists the regular files that a glob matches, the oldest of the newest maxSchemaFiles first.
func newest(glob string) []string {
	if glob == "" {
		return nil
	}
	names, err := filepath.Glob(glob)
	if err != nil {
		return nil
	}
	type file struct {
		name string
		at   time.Time
	}
	var files []file
	for _, name := range names {
		if st, err := os.Stat(name); err == nil && st.Mode().IsRegular() {
			files = append(files, file{name, st.ModTime()})
		}
	}
	slices.SortStableFunc(files, func(a, b file) int { return cmp.Compare(a.at.UnixNano(), b.at.UnixNano()) })
	files = files[max(len(files)-maxSchemaFiles, 0):]
	out := make([]string, len(files))
	for i, f := range files {
		out[i] = f.name
	}
	return out
}

// schemasIn reads the schema lines of files, the oldest first.
func schemasIn(files []string, fromEnd bool) []*parse.Schema {
	var out []*parse.Schema
	for _, name := range files {
		for line := range bytes.Lines(part(name, schemaBytes, fromEnd)) {
			// In the log of a container the line stands behind what the runtime wrote.
			at := bytes.Index(line, []byte(`{"meta_data"`))
			if at < 0 {
				continue
			}
			if s, err := parse.ParseBentoMLSchema(bytes.TrimSpace(line[at:])); err == nil {
				out = append(out, s)
			}
		}
	}
	return out
}

// lastKeys returns the paths of the newest record.
func lastKeys(files []string) map[string]bool {
	if len(files) == 0 {
		return nil
	}
	lines := bytes.Split(part(files[len(files)-1], recordBytes, true), []byte("\n"))
	plan, err := parse.Compile("bentoml", parse.FormatOptions{}, []parse.Field{{Path: "*"}})
	if err != nil {
		return nil
	}
	var rec parse.Record
	parser := plan.NewParser()
	for _, line := range slices.Backward(lines) {
		if parser.Line(line, 0, &rec).Status != parse.Complete {
			continue
		}
		keys := map[string]bool{}
		for i, s := range plan.Slots() {
			if rec.Values[i].Kind != parse.Absent {
				keys[s.Path] = true
			}
		}
		return keys
	}
	return nil
}

// part reads the beginning or the end of a file; nothing if it cannot.
func part(name string, size int64, fromEnd bool) []byte {
	f, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe that takes its place must not stop us
	if err != nil {
		return nil
	}
	defer f.Close()
	if st, err := f.Stat(); err == nil && fromEnd && st.Size() > size {
		if _, err := f.Seek(-size, io.SeekEnd); err != nil {
			return nil
		}
	}
	data, err := io.ReadAll(io.LimitReader(f, size))
	if err != nil {
		return nil
	}
	return data
}
