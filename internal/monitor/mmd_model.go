package monitor

import (
	"fmt"
	"strings"
)

// embeddings reads the wildcards whose numbers are watched together.
func (d *decoder) embeddings(e entry) []string {
	const expected = "wildcards that features names too, such as embedding.*"
	out := d.texts(e, expected)
	if len(out) >= maxVectors {
		d.fail(e.val, e.path, fmt.Sprintf("has %d entries", len(out)), fmt.Sprintf("at most %d", maxVectors-1), "")
		return nil
	}
	for _, path := range out {
		if !strings.HasSuffix(path, ".*") {
			d.fail(e.val, e.path, fmt.Sprintf("%q is no wildcard", clip(path)), expected, "")
		}
	}
	return out
}
