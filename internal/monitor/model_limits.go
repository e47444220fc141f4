package monitor

import (
	"fmt"

	"github.com/plumbline-ml/plumbline/internal/parse"
)

// limit is one key of logs.limits: what a line may cost the parser.
type limit struct {
	key       string
	of        func(*parse.FormatOptions) *int
	low, high int64
}

// parseLimits are the keys of logs.limits. A key that is not written has the parser's default.
var parseLimits = []limit{
	{"depth", func(o *parse.FormatOptions) *int { return &o.MaxDepth }, 1, 1000},
	{"keys", func(o *parse.FormatOptions) *int { return &o.MaxKeys }, 1, 1 << 20},
	{"fields", func(o *parse.FormatOptions) *int { return &o.MaxFields }, 1, 4096},
	{"vector", func(o *parse.FormatOptions) *int { return &o.MaxVector }, 1, 4096},
	{"value_bytes", func(o *parse.FormatOptions) *int { return &o.MaxValue }, 16, 64 << 20},
	{"record_bytes", func(o *parse.FormatOptions) *int { return &o.MaxLineBytes }, 1024, 1 << 30},
	{"pending", func(o *parse.FormatOptions) *int { return &o.MaxPending }, 1, 1 << 16},
	{"pending_bytes", func(o *parse.FormatOptions) *int { return &o.MaxJoinBytes }, 4096, 1 << 30},
	{"pattern_bytes", func(o *parse.FormatOptions) *int { return &o.MaxPattern }, 1, 64 << 10},
}

func (d *decoder) limits(m *Model, e entry) {
	names := make([]string, len(parseLimits))
	for i, l := range parseLimits {
		names[i] = l.key
	}
	for _, k := range d.mapping(e.val, e.path, names...) {
		for _, l := range parseLimits {
			if l.key != k.name {
				continue
			}
			if v, ok := d.integer(k, l.low, l.high); ok {
				*l.of(&m.Logs.Limits) = int(v)
			}
		}
	}
}

// tooMany says that a model has reached max_features.
func (d *decoder) tooMany(m *Model, e entry) {
	if len(m.Features) > m.MaxFeatures {
		d.fail(e.val, e.path, fmt.Sprintf("%d features", len(m.Features)), fmt.Sprintf("at most max_features, which is %d", m.MaxFeatures),
			"use a wildcard, and ignore: true for those that do not matter, or raise max_features")
	}
}
