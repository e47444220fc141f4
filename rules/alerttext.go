package rules

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	promrules "github.com/prometheus/prometheus/rules"
	"github.com/prometheus/prometheus/template"
)

// labelsOf is the label set of the alert that a result element becomes, without external labels.
func (r *alertRule) labelsOf(ctx context.Context, s promql.Sample, ts time.Time, query promrules.QueryFunc) labels.Labels {
	b := labels.NewBuilder(s.Metric)
	b.Del(nameLabel)
	r.Labels().Range(func(l labels.Label) {
		v := l.Value
		if r.templated && strings.Contains(v, "{{") {
			v = r.expand(ctx, v, s, ts, query)
		}
		b.Set(l.Name, v)
	})
	b.Set(labels.AlertName, r.Name())
	return b.Labels()
}

// expand renders one template as Prometheus does.
func (r *alertRule) expand(ctx context.Context, text string, s promql.Sample, ts time.Time, query promrules.QueryFunc) string {
	data := template.AlertTemplateData(s.Metric.Map(), r.ext, r.url.String(), s)
	const defs = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
	out, err := template.NewTemplateExpander(ctx, defs+text, "__alert_"+r.Name(), data, model.Time(timestamp.FromTime(ts)),
		template.QueryFunc(query), r.url, nil).Expand()
	if err != nil {
		return fmt.Sprintf("<error expanding template: %s>", err)
	}
	return out
}

// render renders the annotations of an alert.
func (r *alertRule) render(ctx context.Context, in *instance, ts time.Time, query promrules.QueryFunc) map[string]string {
	out := make(map[string]string, r.annotations.Len())
	s := promql.Sample{Metric: in.elem, F: in.value, T: timestamp.FromTime(ts)}
	r.annotations.Range(func(a labels.Label) {
		if !strings.Contains(a.Value, "{{") {
			out[a.Name] = a.Value
			return
		}
		out[a.Name] = r.expand(ctx, a.Value, s, ts, query)
	})
	return out
}

// fullLabels adds the external labels that the alert does not have itself.
func (r *alertRule) fullLabels(l labels.Labels) map[string]string {
	out := l.Map()
	for k, v := range r.ext {
		if _, ok := out[k]; !ok {
			out[k] = v
		}
	}
	return out
}
