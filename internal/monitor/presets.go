package monitor

import "github.com/plumbline-ml/plumbline/internal/parse"

// presetFeatures lists, for presets of which not every field says something about the model, those that do. The
// others are followed as they are: every feature that the preset names.
var presetFeatures = map[string][]FeatureConfig{
	"rspamd": {
		{Path: "len", Name: "length", Kind: KindNumber},
		{Path: "symbols", Kind: KindNumber},
		{Path: "bayes", Kind: KindNumber},
	},
	"spamassassin": {
		{Path: "size", Name: "length", Kind: KindNumber},
		{Path: "tests", Name: "symbols", Kind: KindNumber},
		{Path: "bayes", Kind: KindNumber},
	},
	"sagemaker": {
		{Path: "input.*", Kind: KindAuto},
		{Path: "output.*", Kind: KindAuto},
	},
	"triton-trace": {
		{Path: "model", Kind: KindCategory},
		{Path: "duration_us", Kind: KindNumber},
		{Path: "input.*", Kind: KindAuto},
		{Path: "output.*", Kind: KindAuto},
	},
}

// presetPositive is the class that one looks for.
var presetPositive = map[string]string{"rspamd": "reject", "spamassassin": "Y"}

// applyPreset fills in what the format knows and the file leaves out: the event time and the version always,
// predictions and features when the file names none of them. A file that names any keeps exactly what it names.
func (m *Model) applyPreset() {
	if m.Logs.Format == "bentoml" {
		m.applyBentoML()
		return
	}
	columns, ok := parse.Preset(m.Logs.Format)
	if !ok {
		return
	}
	named := m.Score != nil || m.Label != nil || len(m.Features) > 0
	var features []FeatureConfig
	for _, c := range columns {
		if isWildcard(c.Path) {
			continue
		}
		switch {
		case c.Role == parse.RoleTime && m.Timestamp.Path == "":
			m.Timestamp.Path = c.Path
		case c.Role == parse.RoleVersion && m.Version == "":
			m.Version = c.Path
		case named:
		case c.Role == parse.RoleScore && m.Score == nil:
			m.Score = &PredictionConfig{Path: c.Path, Kind: KindNumber}
			if c.Kind == parse.ColumnProbability {
				m.Score.Kind = KindProbability
			}
		case c.Role == parse.RoleLabel && m.Label == nil:
			m.Label = &PredictionConfig{Path: c.Path, Kind: KindCategory, Positive: presetPositive[m.Logs.Format]}
		case c.Role == parse.RoleFeature:
			if kind, ok := presetKinds[c.Kind]; ok {
				features = append(features, FeatureConfig{Path: c.Path, Kind: kind})
			}
		}
	}
	if named {
		return
	}
	if curated, ok := presetFeatures[m.Logs.Format]; ok {
		features = append([]FeatureConfig(nil), curated...)
	}
	m.Features = features
	m.notes = append(m.notes, "predictions and features: not set; those of the preset "+m.Logs.Format)
}

var presetKinds = map[string]Kind{
	parse.ColumnNumber:      KindNumber,
	parse.ColumnProbability: KindNumber,
	parse.ColumnCategory:    KindCategory,
}
