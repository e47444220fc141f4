package rules

import (
	"context"
	"errors"

	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/metadata"
	"github.com/prometheus/prometheus/storage"
)

var _ storage.Appendable = (*store)(nil)

// errNoHistograms is what a recording rule gets that yields a native histogram.
var errNoHistograms = errors.New("the rule store keeps plain numbers: a rule must not record a native histogram")

// Appender implements storage.Appendable for what the rules themselves record.
func (st *store) Appender(context.Context) storage.Appender { return appender{st} }

// appender writes through: rule groups append in the order of time and never roll back.
type appender struct{ st *store }

func (a appender) Append(_ storage.SeriesRef, lbls labels.Labels, t int64, v float64) (storage.SeriesRef, error) {
	s, err := a.st.series(lbls)
	if s == nil || err != nil {
		return 0, err // a series that no rule reads is not an error
	}
	return 0, a.st.append(s, t, v, false)
}

func (a appender) AppendHistogram(storage.SeriesRef, labels.Labels, int64, *histogram.Histogram, *histogram.FloatHistogram) (storage.SeriesRef, error) {
	return 0, errNoHistograms
}

func (a appender) AppendHistogramSTZeroSample(storage.SeriesRef, labels.Labels, int64, int64, *histogram.Histogram, *histogram.FloatHistogram) (storage.SeriesRef, error) {
	return 0, errNoHistograms
}

func (a appender) AppendExemplar(storage.SeriesRef, labels.Labels, exemplar.Exemplar) (storage.SeriesRef, error) {
	return 0, nil
}

func (a appender) UpdateMetadata(storage.SeriesRef, labels.Labels, metadata.Metadata) (storage.SeriesRef, error) {
	return 0, nil
}

func (a appender) AppendSTZeroSample(storage.SeriesRef, labels.Labels, int64, int64) (storage.SeriesRef, error) {
	return 0, nil
}

func (a appender) SetOptions(*storage.AppendOptions) {}
func (a appender) Commit() error                     { return nil }
func (a appender) Rollback() error                   { return nil }
