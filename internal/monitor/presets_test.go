package monitor

import (
	"strings"
	"testing"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

func TestEveryPresetNeedsNoFieldList(t *testing.T) {
	for _, format := range parse.Formats() {
		if _, preset := parse.Preset(format); !preset {
			continue
		}
		m, err := ParseModel("m.yaml", []byte("model: m\nlogs: {include: [/nowhere/*], format: "+format+"}\n"))
		if err != nil {
			t.Errorf("%s: %v", format, err)
			continue
		}
		if m.Timestamp.Path == "" && format != "triton-trace" { // whose times are monotonic
			t.Errorf("%s has no event time", format)
		}
		if m.Score == nil && m.Label == nil && len(m.Features) == 0 || len(m.Notes()) == 0 {
			t.Errorf("%s follows nothing, or does not say what: %s", format, strings.Join(m.Notes(), "; "))
		}
	}
}
