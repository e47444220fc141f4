package parse

import (
	"encoding/json"
	"errors"
)

var bentoMLColumns = []Column{
	{"timestamp", RoleTime, ColumnTime, "local time without zone"},
	{"*", RoleFeature, "", "every column of the monitor; roles and kinds stand in the schema file beside the data"},
	{"request_id", RoleIdentifier, ColumnText, "id of the request; rows of a batch share it"},
	{"trace_id", RoleIdentifier, ColumnText, "id of the trace"},
}

// prepareBentoML reads the flat JSON of bentoml.monitor. Reserved keys and those of schema lines, which may stand
// between the data, are no columns. NumPy scalars arrive as strings, so everything that looks like a number
// is taken for one.
func prepareBentoML(p *Plan) error {
	for i := range p.fields {
		if p.slots[i].Path == "*" {
			p.fields[i].Numeric = true
		}
	}
	p.block("timestamp", "request_id", "trace_id", "bento_meta", "meta_data", "columns")
	return prepareJSON(p)
}

// block keeps keys at the top level away from wildcards, unless they are asked for by name.
func (p *Plan) block(keys ...string) {
	for _, key := range keys {
		if p.root.find(&p.hash, []byte(key)) < 0 {
			p.root.insert(&p.hash, key, nil)
		}
	}
}

// Schema is what a schema line of BentoML says.
type Schema struct {
	Model   string // name of the bento; may be empty
	Version string // version of the bento; empty if it says "not available"
	Columns []Column
}

// What can be wrong with a schema line. The messages carry nothing of it.
var (
	errSchemaJSON  = errors.New("read BentoML schema line: not the expected JSON")
	errSchemaEmpty = errors.New("read BentoML schema line: it has no columns")
	errSchemaName  = errors.New("read BentoML schema line: a column has no name")
)

// ParseBentoMLSchema reads one line of schema/schema.<n>.log, or one data record of the OTLP exporter that carries
// its schema. The file has one line for each start of each monitor of the process; the newest line that names
// the columns of the data counts.
func ParseBentoMLSchema(line []byte) (*Schema, error) {
	type column struct{ Name, Role, Type string }
	type meta struct {
		Name    string `json:"bento_name"`
		Version string `json:"bento_version"`
	}
	var in struct {
		Meta    meta     `json:"meta_data"`
		Columns []column `json:"columns"`
		Carried *struct {
			meta
			Schema map[string]column `json:"schema"`
		} `json:"bento_meta"`
	}
	if err := json.Unmarshal(line, &in); err != nil {
		return nil, errSchemaJSON // the decoder's text could quote the line
	}
	if in.Carried != nil {
		in.Meta = in.Carried.meta
		for _, name := range sortedKeys(in.Carried.Schema) {
			in.Columns = append(in.Columns, in.Carried.Schema[name])
		}
	}
	if len(in.Columns) == 0 {
		return nil, errSchemaEmpty
	}
	out := &Schema{Model: in.Meta.Name, Version: in.Meta.Version}
	if out.Version == "not available" {
		out.Version = ""
	}
	for _, c := range in.Columns {
		if c.Name == "" {
			return nil, errSchemaName
		}
		out.Columns = append(out.Columns, Column{Path: escapeKey(c.Name), Role: bentoRole(c.Role, c.Type), Kind: bentoKind(c.Type)})
	}
	return out, nil
}

func bentoRole(role, kind string) string {
	switch role {
	case "target":
		return RoleTarget
	case "prediction":
		switch kind {
		case "numerical":
			return RoleScore
		case "categorical":
			return RoleLabel
		}
	}
	return RoleFeature
}

func bentoKind(kind string) string {
	switch kind {
	case "numerical":
		return ColumnNumber
	case "categorical":
		return ColumnCategory
	case "numerical_sequence":
		return ColumnSequence
	}
	return ColumnText
}
