package parse

import (
	"slices"
	"strings"
)

// Names by which loggers call the usual fields, the likeliest first.
var (
	timeNames = []string{"timestamp", "@timestamp", "ts", "time", "event_time", "eventtime", "inference_time", "inferencetime", "request_time",
		"datetime", "created_at", "logged_at", "asctime", "date"}
	scoreNames = []string{"score", "prediction_score", "y_pred_proba", "y_score", "probability", "proba", "prob", "confidence", "prediction", "y_pred",
		"predicted_value", "pred", "output"}
	labelNames = []string{"label", "prediction", "predicted_label", "predicted_class", "y_pred", "class", "pred", "decision", "verdict", "action",
		"output"}
	versionNames = []string{"model_version", "modelversion", "model_ver", "version"}
	targetNames  = []string{"target", "clf_target", "y_true", "ground_truth", "true_label", "actual"}
	otherNames   = []string{"level", "levelname", "severity", "logger", "msg", "message", "caller", "pid", "thread", "hostname", "host", "logger_name",
		"id", "uuid", "request_id", "requestid", "trace_id", "span_id", "prediction_id", "inference_id", "event_id", "correlation_id", "session_id",
		"user_id", "user", "email", "ip", "client_ip", "remote_addr", "model", "model_name"}
)

// guessRoles fills in Role and Kind. Time, score, label, version and target go to one path each.
func guessRoles(found []DetectedPath) {
	for i := range found {
		found[i].guessKind()
	}
	give := func(role string, names []string, fits func(*DetectedPath) bool) {
		best, rank := -1, 0
		for i := range found {
			d := &found[i]
			at := slices.Index(names, lastPart(d.Path))
			if at < 0 || d.Role != "" || !fits(d) {
				continue
			}
			// A name that says more wins; among equals the one nearer to the top, then the earlier.
			if r := at*16 + min(strings.Count(d.Path, "."), 15); best < 0 || r < rank {
				best, rank = i, r
			}
		}
		if best >= 0 {
			found[best].Role = role
		}
	}
	present := func(d *DetectedPath) int { return d.Count - d.Kinds[Null] - d.Kinds[Empty] }
	give(RoleTime, timeNames, func(d *DetectedPath) bool { return d.times*10 >= present(d)*9 && d.times > 0 })
	give(RoleVersion, versionNames, func(d *DetectedPath) bool { return d.Distinct <= 64 })
	give(RoleTarget, targetNames, func(d *DetectedPath) bool { return d.Kind != ColumnText })
	give(RoleLabel, labelNames, func(d *DetectedPath) bool { return d.Kind == ColumnCategory || d.classLike() })
	give(RoleScore, scoreNames, func(d *DetectedPath) bool { return d.Kind == ColumnNumber })
	for i := range found {
		d := &found[i]
		switch {
		case d.Role == RoleTime:
			d.Kind = ColumnTime
		case d.Role == RoleLabel || d.Role == RoleVersion:
			d.Kind = ColumnCategory
		case d.Role == RoleScore:
			if d.low >= 0 && d.high <= 1 {
				d.Kind = ColumnProbability
			}
		case d.Role == RoleTarget:
			if d.classLike() {
				d.Kind = ColumnCategory
			}
		case slices.Contains(otherNames, lastPart(d.Path)) && !strings.HasPrefix(d.Path, "features."):
			d.Role = RoleIdentifier
		case d.Kind == ColumnText || d.Kind == ColumnTime:
			d.Role = RoleIdentifier
		default:
			d.Role = RoleFeature
		}
	}
}

// classLike reports whether numbers are names of classes rather than amounts.
func (d *DetectedPath) classLike() bool {
	numbers := d.Kinds[Number] + d.Numeric
	return numbers > 0 && d.whole == numbers && d.Distinct <= 10 && d.low >= -1 && d.high <= 100
}

// guessKind decides by what most of the values are.
func (d *DetectedPath) guessKind() {
	present := d.Count - d.Kinds[Null] - d.Kinds[Empty]
	numbers := d.Kinds[Number] + d.Numeric + d.Kinds[NaN] + d.Kinds[PosInf] + d.Kinds[NegInf] + d.Kinds[Invalid]
	words := d.Kinds[String] - d.Numeric
	switch {
	case present > 0 && d.Kinds[Composite]*2 > present:
		d.Kind = ColumnSequence
	case numbers > 0 && numbers*10 >= present*9:
		d.Kind = ColumnNumber
	case words > 0 && d.times*10 >= present*9:
		d.Kind = ColumnTime
	case d.Kinds[Bool]*2 > present:
		d.Kind = ColumnCategory
	case d.Distinct <= 20 || d.Distinct <= 200 && d.Distinct*4 <= d.Count:
		d.Kind = ColumnCategory
	default:
		d.Kind = ColumnText
	}
}
