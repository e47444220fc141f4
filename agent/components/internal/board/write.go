package board

import (
	"bufio"
	"cmp"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// family is one metric of an exposition: samples of the board, or a family of a registry.
type family struct {
	metric  *catalog.Metric
	samples []ref
	self    *dto.MetricFamily
	name    string
}

// ref finds a sample: which batch, which part of it (0 is Samples), and where in there.
type ref struct {
	batch, part uint16
	at          uint32
}

// Write writes what stands on the board and the families of a registry, sorted by name, as Prometheus' text format or, for a
// scraper that asks for it, as OpenMetrics 1.0 or delimited protocol buffers. A metric that the registry has is taken from
// there. When two publishers say the same series, the newest batch counts.
func Write(to io.Writer, format expfmt.Format, posted []Posted, self []*dto.MetricFamily) error {
	w := &writer{Writer: bufio.NewWriterSize(to, 32<<10), open: format.FormatType() == expfmt.TypeOpenMetrics, posted: posted}
	var encode expfmt.Encoder
	if format.FormatType() == expfmt.TypeProtoDelim {
		encode = expfmt.NewEncoder(w.Writer, format)
	}
	for _, f := range families(posted, self) {
		var err error
		switch {
		case encode != nil && f.self != nil:
			err = encode.Encode(f.self)
		case encode != nil:
			err = encode.Encode(w.protocolBuffer(&f))
		case f.self != nil && w.open:
			_, err = expfmt.MetricFamilyToOpenMetrics(w.Writer, f.self)
		case f.self != nil:
			_, err = expfmt.MetricFamilyToText(w.Writer, f.self)
		default:
			w.family(&f)
		}
		if err != nil {
			return err
		}
	}
	if w.open {
		w.WriteString("# EOF\n")
	}
	return w.Flush() // an earlier error of the Writer sticks
}

// families groups the samples by metric.
func families(posted []Posted, self []*dto.MetricFamily) []family {
	own := make(map[string]bool, len(self))
	out := make([]family, 0, len(self)+64)
	for _, f := range self {
		if len(f.GetMetric()) > 0 {
			own[f.GetName()] = true
			out = append(out, family{self: f, name: f.GetName()})
		}
	}
	// The samples are counted first, so that each list has its size.
	counts := map[*catalog.Metric]int{}
	each(posted, func(_ ref, s *catalog.Sample) { counts[s.Metric]++ })
	index := make(map[*catalog.Metric]int, len(counts))
	for m, n := range counts {
		if own[m.Name] {
			continue
		}
		index[m] = len(out)
		out = append(out, family{metric: m, name: m.Name, samples: make([]ref, 0, n)})
	}
	each(posted, func(r ref, s *catalog.Sample) {
		if i, ok := index[s.Metric]; ok {
			out[i].samples = append(out[i].samples, r)
		}
	})
	slices.SortFunc(out, func(a, b family) int { return cmp.Compare(a.name, b.name) })
	return out
}

func each(posted []Posted, visit func(ref, *catalog.Sample)) {
	for b := range posted {
		p := &posted[b]
		for part := range len(p.Shared) + 1 {
			samples := p.part(part)
			for i := range samples {
				if s := &samples[i]; !p.Omit[s.Metric] && (s.Metric.Type == catalog.Histogram) == (s.Hist != nil) {
					visit(ref{uint16(b), uint16(part), uint32(i)}, s)
				}
			}
		}
	}
}

func (p *Posted) part(i int) []catalog.Sample {
	if i == 0 {
		return p.Samples
	}
	return p.Shared[i-1]
}

// writer writes one exposition. Errors of the bufio.Writer stick and come out of Flush.
type writer struct {
	*bufio.Writer
	open   bool // OpenMetrics
	posted []Posted
	number []byte
}

// samples visits the samples of a family. Only with several publishers can a series be said twice.
func (w *writer) samples(f *family, visit func(*catalog.Sample)) {
	var said map[string]bool
	if n := len(f.samples); n > 0 && f.samples[0].batch != f.samples[n-1].batch {
		said = make(map[string]bool, n)
	}
	for _, r := range f.samples {
		s := &w.posted[r.batch].part(int(r.part))[r.at]
		if said != nil {
			key := strings.Join(s.Labels, "\xff")
			if said[key] {
				continue
			}
			said[key] = true
		}
		visit(s)
	}
}

func (w *writer) family(f *family) {
	name, m := f.name, f.metric
	if w.open {
		name = strings.TrimSuffix(name, "_total")
	}
	w.head("# HELP ", name)
	escape(w.Writer, m.Help, w.open)
	w.WriteByte('\n')
	w.head("# TYPE ", name)
	w.WriteString(m.Type.String())
	w.WriteByte('\n')
	w.samples(f, func(s *catalog.Sample) {
		if s.Hist != nil {
			w.histogram(s)
			return
		}
		w.labels(m.Name, s, "")
		w.float(s.Value)
	})
}

func (w *writer) head(what, name string) {
	w.WriteString(what)
	w.WriteString(name)
	w.WriteByte(' ')
}

func (w *writer) histogram(s *catalog.Sample) {
	name, h := s.Metric.Name, s.Hist
	var below uint64
	for i, n := range h.Counts {
		below += n
		edge := math.Inf(1)
		if i < len(h.Bounds) {
			edge = h.Bounds[i]
		}
		w.labels(name+"_bucket", s, w.edge(edge))
		w.count(below)
	}
	w.labels(name+"_sum", s, "")
	w.float(h.Sum)
	w.labels(name+"_count", s, "")
	w.count(below)
}

// labels writes a series and the blank behind it. le is the edge of a bucket, or empty.
func (w *writer) labels(name string, s *catalog.Sample, le string) {
	w.WriteString(name)
	next := byte('{')
	for i, v := range s.Labels {
		if v == "" {
			continue
		}
		w.WriteByte(next)
		next = ','
		w.WriteString(s.Metric.Labels[i])
		w.WriteString(`="`)
		escape(w.Writer, v, true)
		w.WriteByte('"')
	}
	if le != "" {
		w.WriteByte(next)
		next = ','
		w.WriteString(`le="`)
		w.WriteString(le)
		w.WriteByte('"')
	}
	if next == ',' {
		w.WriteByte('}')
	}
	w.WriteByte(' ')
}

func (w *writer) edge(v float64) string {
	w.number = appendFloat(w.number[:0], v, w.open)
	return string(w.number)
}

func (w *writer) float(v float64) {
	w.number = append(appendFloat(w.number[:0], v, w.open), '\n')
	w.Write(w.number)
}

func (w *writer) count(n uint64) {
	w.number = append(strconv.AppendUint(w.number[:0], n, 10), '\n')
	w.Write(w.number)
}

// appendFloat writes a number as Prometheus does. OpenMetrics wants to see that it is no integer.
func appendFloat(dst []byte, v float64, open bool) []byte {
	switch {
	case math.IsInf(v, 1):
		return append(dst, "+Inf"...)
	case math.IsInf(v, -1):
		return append(dst, "-Inf"...)
	}
	from := len(dst)
	dst = strconv.AppendFloat(dst, v, 'g', -1, 64)
	if open && !math.IsNaN(v) && !slices.ContainsFunc(dst[from:], func(c byte) bool { return c == '.' || c == 'e' }) {
		dst = append(dst, ".0"...)
	}
	return dst
}

// escape writes a text; quotes says whether quotation marks are escaped, too.
func escape(w *bufio.Writer, s string, quotes bool) {
	from := 0
	for i := range len(s) {
		var to string
		switch {
		case s[i] == '\\':
			to = `\\`
		case s[i] == '\n':
			to = `\n`
		case s[i] == '"' && quotes:
			to = `\"`
		default:
			continue
		}
		w.WriteString(s[from:i])
		w.WriteString(to)
		from = i + 1
	}
	w.WriteString(s[from:])
}
