package rules

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
)

func TestTheSchemaForEditorsKnowsTheSameKeysAndValues(t *testing.T) {
	data, err := os.ReadFile("../docs/rules.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type object struct {
		Properties map[string]struct {
			Properties map[string]struct {
				AnyOf []struct {
					Enum []string `json:"enum"`
				} `json:"anyOf"`
			} `json:"properties"`
		} `json:"properties"`
	}
	var schema struct {
		Defs struct {
			Group  object `json:"group"`
			Alert  object `json:"alert"`
			Record object `json:"record"`
		} `json:"$defs"`
	}
	if err := json.Unmarshal(data, &schema); err != nil {
		t.Fatal(err)
	}
	same := func(what string, have, want []string) {
		have, want = slices.Sorted(slices.Values(have)), slices.Sorted(slices.Values(want))
		if !slices.Equal(have, want) {
			t.Errorf("%s: the schema has %v, the checker %v", what, have, want)
		}
	}
	d := schema.Defs
	same("group", slices.Collect(maps.Keys(d.Group.Properties)), groupKeys)
	both := maps.Clone(d.Alert.Properties)
	maps.Copy(both, d.Record.Properties)
	same("rule", slices.Collect(maps.Keys(both)), ruleKeys)
	l := d.Alert.Properties["labels"].Properties
	same("severity", l["severity"].AnyOf[0].Enum, severities)
	same("cause", l["cause"].AnyOf[0].Enum, causes)
}
