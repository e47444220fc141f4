package parse

import (
	"bytes"
	"hash/maphash"
	"math"
	"strings"
)

// Bounds of Detect: what it looks at and what it keeps for each path.
const (
	detectLines    = 5000
	detectDistinct = 1024
)

// DetectedPath says what was found at one path. It holds no value.
type DetectedPath struct {
	Path     string
	Count    int           // records that have it
	Kinds    [NumKinds]int // by Kind
	Numeric  int           // strings that are numbers ("4.9")
	Distinct int           // different values, counted up to 1,024
	Role     string        // a guess by name and kind: RoleTime, RoleScore, RoleLabel, RoleVersion, RoleTarget, RoleFeature, RoleIdentifier
	Kind     string        // a guess: ColumnNumber, ColumnProbability, ColumnCategory, ColumnText, ColumnSequence, ColumnTime

	times         int // values that can be read as a time
	whole         int // numbers without fraction
	low, high     float64
	distinctCount map[uint64]struct{}
	clock         *timeReader
}

// Detect guesses the format of lines and lists the fields in them, with guesses what they are. At most 5,000
// lines are looked at. The format is empty when none fits; values are looked at to decide kinds and never returned.
func Detect(lines [][]byte) (format string, found []DetectedPath) {
	lines = lines[:min(len(lines), detectLines)]
	for _, preset := range []string{"rspamd", "spamassassin", "sagemaker", "triton-trace", "ray-serve", "vllm", "torchserve", "mlserver"} {
		columns, _ := Preset(preset)
		fields := make([]Field, 0, len(columns))
		for _, c := range columns {
			fields = append(fields, Field{Path: c.Path})
		}
		got, records, bad := survey(preset, fields, lines)
		if records == 0 || bad > records {
			continue
		}
		for i := range got {
			for _, c := range columns {
				if covers(c.Path, got[i].Path) {
					got[i].Role = c.Role
					if got[i].Kind = c.Kind; c.Kind == "" {
						got[i].guessKind()
					}
				}
			}
		}
		return preset, got
	}
	for _, general := range []string{"json", "tsv", "csv", "logfmt"} {
		got, records, bad := survey(general, []Field{{Path: "*"}}, lines)
		if records == 0 || bad*2 > records || general != "json" && !tabular(general, got, records) {
			continue
		}
		format = general
		if general == "json" && isBentoML(got, records) {
			format = "bentoml"
		}
		guessRoles(got)
		return format, got
	}
	return "", nil
}

// survey reads all lines in a format and counts what is found.
func survey(format string, fields []Field, lines [][]byte) (found []DetectedPath, records, bad int) {
	p, err := Compile(format, FormatOptions{Year: 2000}, fields)
	if err != nil {
		return nil, 0, 0
	}
	parser := p.NewParser()
	seed := maphash.MakeSeed()
	clock, _ := newTimeReader("", "", p.opts)
	var rec Record
	for i, line := range lines {
		for res := parser.Line(line, int64(i), &rec); ; res = parser.Next(&rec) {
			switch res.Status {
			case Bad:
				bad++
			case Complete:
				records++
				for len(found) < len(p.slots) {
					found = append(found, DetectedPath{Path: p.slots[len(found)].Path, clock: clock})
				}
				for i := range rec.Values {
					if v := &rec.Values[i]; v.Kind != Absent {
						found[i].add(v, seed)
					}
				}
			}
			if !res.More {
				break
			}
		}
	}
	kept := found[:0]
	for i := range found {
		if found[i].Count > 0 && p.slots[i].Path != "*" {
			found[i].Distinct = len(found[i].distinctCount)
			kept = append(kept, found[i])
		}
	}
	return kept, records, bad
}

// add counts one value.
func (d *DetectedPath) add(v *Value, seed maphash.Seed) {
	if d.distinctCount == nil {
		d.distinctCount = map[uint64]struct{}{}
		d.low, d.high = math.Inf(1), math.Inf(-1)
	}
	d.Count++
	d.Kinds[v.Kind]++
	kind, x := v.Kind, v.Num
	if kind == String {
		if kind, x = numericText(v.Str); kind == Number {
			d.Numeric++
		}
	}
	if kind == Number {
		d.low, d.high = min(d.low, x), max(d.high, x)
		if x == math.Trunc(x) {
			d.whole++
		}
	}
	if v.Kind == Number || v.Kind == String {
		if k, _, _ := d.clock.value(v.Kind, v.Num, v.Str); k == Number {
			d.times++
		}
		if len(d.distinctCount) < detectDistinct {
			if v.Str != nil {
				d.distinctCount[maphash.Bytes(seed, v.Str)] = struct{}{}
			} else {
				d.distinctCount[math.Float64bits(v.Num)] = struct{}{}
			}
		}
	}
}

// tabular tells real columns and pairs from prose that happens to hold commas or equal signs.
func tabular(format string, found []DetectedPath, records int) bool {
	if len(found) < 2 {
		return false
	}
	full := 0
	for i := range found {
		d := &found[i]
		if strings.ContainsAny(d.Path, "\"{}<>=;") || format == "logfmt" && strings.ContainsAny(d.Path, "'()[],:") {
			return false
		}
		if d.Count*2 > records && d.Kinds[Bool] < d.Count {
			full++
		}
	}
	return full >= 2
}

// isBentoML looks for the keys that bentoml.monitor adds.
func isBentoML(found []DetectedPath, records int) bool {
	keys := 0
	for i := range found {
		d := &found[i]
		if (d.Path == "timestamp" && d.times*2 > records || d.Path == "request_id" && d.Numeric*2 > records) && d.Count*2 > records {
			keys++
		}
		if d.Path == "trace_id" && d.Count*2 > records {
			keys++
		}
	}
	return keys == 3
}

// lastPart returns the key of a path, in lower case.
func lastPart(path string) string {
	if at := strings.LastIndexByte(path, '.'); at >= 0 {
		path = path[at+1:]
	}
	return string(bytes.ToLower([]byte(path)))
}
