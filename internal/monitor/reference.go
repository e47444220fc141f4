package monitor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/plumbline-ml/plumbline/detectors"
)

// ErrReference is what every error about a reference file matches with errors.Is.
var ErrReference = errors.New("reference file is not valid")

// referenceVersion is the version of the file format. Files of version 1 are read, too: they know nothing of the time of
// the week.
const referenceVersion = 2

// maxReferenceBytes bounds a reference file.
const maxReferenceBytes = 64 << 20

// Reference is what is normal for a model, as a file that people can read. It holds counts per bin and per named
// category, no record.
type Reference struct {
	Version int               `json:"plumbline_reference"`
	Model   string            `json:"model"`
	Hash    string            `json:"model_hash,omitempty"` // of the fields that the model asked for
	Records uint64            `json:"records"`
	From    *time.Time        `json:"from,omitempty"`
	Until   *time.Time        `json:"until,omitempty"`
	Columns []ReferenceColumn `json:"columns"`

	Volume      *ReferenceVolume      `json:"volume,omitempty"` // traffic, when the records were all there were
	Segments    []ReferenceSegment    `json:"segments,omitempty"`
	Performance *ReferencePerformance `json:"performance,omitempty"` // when the records carried their truth
}

// ReferenceColumn is the reference of one prediction or feature.
type ReferenceColumn struct {
	Name    string            `json:"name"`
	Path    string            `json:"path"`
	Role    string            `json:"role"`
	Kind    Kind              `json:"kind"`
	Count   uint64            `json:"count"`             // usable values
	Missing map[string]uint64 `json:"missing,omitempty"` // by reason
	Repeats uint64            `json:"repeats"`           // values equal to the one before

	EntityPairs   uint64 `json:"entity_pairs,omitempty"`   // values whose entity had one before
	EntityRepeats uint64 `json:"entity_repeats,omitempty"` // of them, those equal to it

	Grid   *detectors.GridSpec `json:"grid,omitempty"`   // of a number
	Counts []uint64            `json:"counts,omitempty"` // per fine bin
	Dev    float64             `json:"sum_from_center,omitempty"`
	DevSq  float64             `json:"sum_of_squares_from_center,omitempty"`
	Wide   []float64           `json:"sums_of_wide_bins,omitempty"`

	Categories []ReferenceCategory `json:"categories,omitempty"` // most frequent first
	Other      uint64              `json:"other,omitempty"`      // values of categories without a name
	Rare       *ReferenceRare      `json:"rare,omitempty"`       // for how many unseen ones are to be expected

	Season *season `json:"season,omitempty"` // of a reference of at least 14 days: what is normal at each time of the week

	made *baseline // see baseline; nil before the first call
}

// ReferenceRare says how many categories were rare: from it follows how many values of the future will have none that is named.
type ReferenceRare struct {
	Least    uint64 `json:"named_from"`    // records from which a category was named
	UpTo     uint64 `json:"records_up_to"` // records whose category came at most so often
	Next     uint64 `json:"once_more"`     // categories that came once more
	Distinct uint64 `json:"categories"`    // in all
}

// ReferenceCategory is one named category.
type ReferenceCategory struct {
	Name  string `json:"name"`
	Count uint64 `json:"count"`
}

// ReadReference reads a reference file.
func ReadReference(path string) (*Reference, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read reference: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxReferenceBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read reference %s: %w", path, err)
	}
	if len(data) > maxReferenceBytes {
		return nil, fmt.Errorf("read reference %s: %w: longer than 64 MiB", path, ErrReference)
	}
	r, err := ParseReference(data)
	if err != nil {
		return nil, fmt.Errorf("read reference %s: %w; build it again with plumbline reference build", path, err)
	}
	return r, nil
}

// ParseReference decodes and checks a reference file.
func ParseReference(data []byte) (*Reference, error) {
	var r Reference
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&r); err != nil {
		return nil, fmt.Errorf("%w: not the JSON of a reference (near byte %d)", ErrReference, d.InputOffset())
	}
	if r.Version < 1 || r.Version > referenceVersion {
		return nil, fmt.Errorf("%w: plumbline_reference is %d, expected 1 to %d", ErrReference, r.Version, referenceVersion)
	}
	if r.Volume != nil {
		if err := r.Volume.validate(); err != nil {
			return nil, fmt.Errorf("%w: %s", ErrReference, err)
		}
	}
	for i := range r.Columns {
		if _, err := r.Columns[i].baseline(); err != nil {
			return nil, fmt.Errorf("%w: column %s: %s", ErrReference, strconv.Quote(clip(r.Columns[i].Name)), err)
		}
	}
	return &r, nil
}

// Encode writes the reference as indented JSON.
func (r *Reference) Encode() ([]byte, error) {
	data, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode reference: %w", err)
	}
	return append(compactNumbers(data), '\n'), nil
}

// compactNumbers puts lists of numbers on one line: a grid of 256 edges should not fill 256 lines.
func compactNumbers(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for i := 0; i < len(data); i++ {
		if data[i] != '[' {
			out = append(out, data[i])
			if data[i] == '"' { // copy texts as they are
				for i++; data[i] != '"'; i++ {
					out = append(out, data[i])
					if data[i] == '\\' {
						i++
						out = append(out, data[i])
					}
				}
				out = append(out, '"')
			}
			continue
		}
		end := bytes.IndexAny(data[i:], `]{"`)
		if data[i+end] != ']' {
			out = append(out, '[')
			continue
		}
		for _, c := range data[i : i+end+1] {
			if c != '\n' && c != ' ' {
				out = append(out, c)
			}
		}
		i += end
	}
	return out
}

func newReferenceColumn(c *column, b *baseline) ReferenceColumn {
	out := ReferenceColumn{Name: c.name, Path: c.path, Role: c.role, Kind: b.kind, Count: b.ref.N, Repeats: b.ref.Repeats, Missing: map[string]uint64{}}
	for r, n := range b.ref.Missing {
		if n > 0 {
			out.Missing[detectors.MissingReason(r).String()] = n
		}
	}
	out.EntityPairs, out.EntityRepeats = b.ref.pairs.compared, b.ref.pairs.same
	if b.grid == nil {
		for i, name := range b.categories {
			out.Categories = append(out.Categories, ReferenceCategory{name, b.ref.Fine[i]})
		}
		out.Other = b.ref.Fine[len(b.categories)]
		if r := b.rare; r.least > 0 {
			out.Rare = &ReferenceRare{r.least, r.upTo, r.next, r.distinct}
		}
		return out
	}
	spec := b.grid.Spec()
	out.Grid, out.Counts, out.Dev, out.DevSq = &spec, b.ref.Fine, b.ref.Dev, b.ref.DevSq
	for i, w := range b.ref.Wide {
		if w != 0 {
			out.Wide = append([]float64(nil), b.ref.Wide[:i+1]...)
		}
	}
	return out
}

// baseline is the column in the engine's form. It is made once: models that share a reference share its grids and counts, too,
// which nobody changes. The struct itself is the caller's.
func (rc *ReferenceColumn) baseline() (*baseline, error) {
	if rc.made == nil {
		b, err := rc.newBaseline()
		if err != nil {
			return nil, err
		}
		rc.made = b
	}
	b := *rc.made
	return &b, nil
}

func (rc *ReferenceColumn) newBaseline() (*baseline, error) {
	ref := tally{}
	ref.Repeats = rc.Repeats
	if rc.EntityRepeats > rc.EntityPairs {
		return nil, errors.New("entity_repeats is more than entity_pairs")
	}
	ref.pairs = pairs{rc.EntityRepeats, rc.EntityPairs}
	for name, n := range rc.Missing {
		found := false
		for r := range detectors.NumMissingReasons {
			if r.String() == name {
				ref.Missing[r], found = n, true
			}
		}
		if !found {
			return nil, errors.New("missing has a reason that is not known")
		}
	}
	var b *baseline
	switch {
	case rc.Kind == KindNumber && rc.Grid != nil:
		g, err := detectors.GridFromSpec(*rc.Grid)
		if err != nil {
			return nil, err
		}
		if len(rc.Counts) != g.Fine() || len(rc.Wide) > detectors.NumWide {
			return nil, fmt.Errorf("%d counts for %d bins", len(rc.Counts), g.Fine())
		}
		ref.Fine = append([]uint64(nil), rc.Counts...)
		ref.Dev, ref.DevSq = rc.Dev, rc.DevSq
		copy(ref.Wide[:], rc.Wide)
		for _, n := range ref.Fine {
			ref.N += n
		}
		b = newNumberBaseline(g, ref)
	case rc.Kind == KindCategory && rc.Grid == nil:
		if len(rc.Categories) > maxCategoryLimit {
			return nil, fmt.Errorf("%d categories, at most %d", len(rc.Categories), maxCategoryLimit)
		}
		counts := map[string]uint64{}
		for _, k := range rc.Categories {
			if _, twice := counts[k.Name]; twice {
				return nil, errors.New("a category stands twice")
			}
			counts[k.Name] = k.Count
		}
		b = newCategoryBaseline(counts, rc.Other, nil, 0, maxCategoryLimit, ref)
		if r := rc.Rare; r != nil {
			if r.UpTo > b.ref.N || r.Least > 1e9 || r.Next > b.ref.N {
				return nil, errors.New("rare categories are more than there are records")
			}
			b.rare = rareCounts{r.Least, r.UpTo, r.Next, r.Distinct}
		}
	default:
		return nil, errors.New("kind is neither number with a grid nor category")
	}
	if rc.Count != b.ref.N {
		return nil, fmt.Errorf("count is %d, its bins add up to %d", rc.Count, b.ref.N)
	}
	b.declared = true
	if rc.Season != nil {
		bins := len(b.categories)
		if b.grid != nil {
			bins = len(b.grid.CoarseEdges()) + 1
		}
		if err := rc.Season.valid(bins); err != nil {
			return nil, err
		}
		b.season = rc.Season.pack()
		b.finish()
	}
	return b, nil
}

// find looks for a column by its path, or else by its name: a reference made from training data has other paths than
// the log.
func (r *Reference) find(role, path, name string) *ReferenceColumn {
	var byName *ReferenceColumn
	for i := range r.Columns {
		rc := &r.Columns[i]
		switch {
		case rc.Role != role:
		case rc.Path == path && (role == RoleFeature || rc.Name == name):
			return rc
		case rc.Name == name:
			byName = rc
		}
	}
	return byName
}

// knows says whether a path below a wildcard is in the reference.
func (r *Reference) knows(f *FeatureConfig, path string) bool {
	return r != nil && r.find(RoleFeature, path, f.label(path)) != nil
}

// baseline finds the reference of a column of the model, or nil when the file does not know it or knows it as
// something else.
func (r *Reference) baseline(c *column, m *Model) *baseline {
	rc := r.find(c.role, c.path, c.name)
	if rc == nil || c.kind != KindAuto && c.kind != rc.Kind {
		return nil
	}
	b, err := rc.baseline()
	if err != nil {
		return nil // cannot happen: ParseReference has done the same
	}
	if b.grid == nil {
		counts := map[string]uint64{}
		for k, name := range b.categories {
			counts[name] = b.ref.Fine[k]
		}
		named := newCategoryBaseline(counts, b.ref.Fine[len(b.categories)], c.allowed(m), 0, m.MaxCategories, b.ref)
		named.declared, named.rare = true, b.rare
		if slices.Equal(named.categories, b.categories) {
			named.season = b.season
		}
		named.finish()
		b = named
	}
	if m.Reference.Flat {
		b.season = nil
		b.finish()
	}
	if r.From != nil && r.Until != nil {
		b.from, b.until = r.From.UnixNano(), r.Until.UnixNano()
	}
	return b
}
