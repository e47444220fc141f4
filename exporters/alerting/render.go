package alerting

import (
	amalert "github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"

	"github.com/plumbline-ml/plumbline/exporters/destination"
	"github.com/plumbline-ml/plumbline/internal/alert"
)

// renderer runs texts of the routes file through Alertmanager's template language, with Alertmanager's data.
func renderer(tmpl *template.Template) destination.Render {
	return func(text string, n Notification) (string, error) {
		alerts := make([]*amalert.Alert, len(n.Alerts))
		for i, a := range n.Alerts {
			alerts[i] = toAM(a)
		}
		labels := make(model.LabelSet, len(n.GroupLabels))
		for k, v := range n.GroupLabels {
			labels[model.LabelName(k)] = model.LabelValue(v)
		}
		return tmpl.ExecuteTextString(text, tmpl.Data(n.Receiver, labels, n.Reason, alerts...))
	}
}

func toAM(a alert.Alert) *amalert.Alert {
	out := &amalert.Alert{Alert: model.Alert{Labels: labelSet(a.Labels), Annotations: labelSet(a.Annotations), StartsAt: a.StartsAt}, UpdatedAt: a.UpdatedAt}
	if a.State == alert.Resolved {
		// Alertmanager tells firing from resolved by an end that has passed.
		out.EndsAt = a.EndsAt
		if out.EndsAt.IsZero() {
			out.EndsAt = a.UpdatedAt
		}
	}
	return out
}
