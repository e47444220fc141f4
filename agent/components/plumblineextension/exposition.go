package plumblineextension

import (
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/prometheus/common/expfmt"
	"go.uber.org/zap"

	"github.com/plumbline-ml/plumbline/agent/components/internal/board"
	"github.com/plumbline-ml/plumbline/agent/components/internal/hub"
)

// mostScrapes bounds the scrapes that are answered at once; each holds a compressor and a list of all samples.
const mostScrapes = 8

// exposition serves what stands on the board and the self-metrics of the components.
type exposition struct {
	hub  *hub.Hub
	log  *zap.Logger
	free chan struct{} // one entry for each scrape that is being answered
}

// ServeHTTP implements http.Handler. OpenMetrics is given to those who take nothing else, because in it edges of buckets are
// written otherwise (le="1.0"), and the same series would have two names in a Prometheus that changes its mind.
func (e *exposition) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	select {
	case e.free <- struct{}{}:
		defer func() { <-e.free }()
	default:
		http.Error(w, "too many scrapes at once", http.StatusServiceUnavailable)
		return
	}
	self, err := e.hub.Gatherer().Gather()
	if err != nil {
		e.log.Warn("Exposing metrics failed in part", zap.Error(err)) // what could be gathered is in self
	}
	format := negotiate(r.Header)
	w.Header().Set("Content-Type", string(format))
	w.Header().Add("Vary", "Accept, Accept-Encoding")
	var to io.Writer = w
	if takesGzip(r.Header) {
		w.Header().Set("Content-Encoding", "gzip")
		z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		if err == nil { // it fails for levels that do not exist
			to = z
			defer z.Close()
		}
	}
	if err := board.Write(to, format, e.hub.Board().Read(), self); err != nil {
		e.log.Debug("A scrape ended early", zap.Error(err)) // the scraper went away
	}
}

func negotiate(h http.Header) expfmt.Format {
	format := expfmt.Negotiate(h)
	if format.FormatType() == expfmt.TypeTextPlain && !acceptsText(h.Get("Accept")) {
		if open := expfmt.NegotiateIncludingOpenMetrics(h); open.FormatType() == expfmt.TypeOpenMetrics {
			return open
		}
	}
	switch format.FormatType() {
	case expfmt.TypeProtoDelim, expfmt.TypeTextPlain:
		return format
	}
	return expfmt.NewFormat(expfmt.TypeTextPlain)
}

func acceptsText(accept string) bool {
	return accept == "" || strings.Contains(accept, "text/plain") || strings.Contains(accept, "text/*") || strings.Contains(accept, "*/*")
}

func takesGzip(h http.Header) bool {
	for part := range strings.SplitSeq(h.Get("Accept-Encoding"), ",") {
		name, q, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(name) == "gzip" && strings.ReplaceAll(q, " ", "") != "q=0" {
			return true
		}
	}
	return false
}
