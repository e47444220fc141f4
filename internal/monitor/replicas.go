package monitor

import (
	"math"
	"slices"
	"strings"

	"github.com/plumbline-ml/plumbline/detectors/sequential"
)

const (
	// maxReplicas is how many replicas of a model are told apart on one node.
	maxReplicas = 20
	// replicaSlack is by what ratio of odds a replica may differ from its peers: requests are not dealt out at random, and
	// clients that stay with one replica make it a little different for ever.
	replicaOdds = 1.5
)

// podLogs says whether the model reads logs whose path names the pod.
func (m *Model) podLogs() bool {
	return slices.ContainsFunc(m.Logs.Include, func(g string) bool { return strings.Contains(g, "/pods/") })
}

// ReplicaOfPath is the pod that wrote a log, if the path says so: /var/log/pods/<namespace>_<pod>_<uid>/…; empty otherwise.
func ReplicaOfPath(path string) string {
	_, rest, ok := strings.Cut(path, "/pods/")
	if !ok {
		return ""
	}
	folder, _, ok := strings.Cut(rest, "/")
	parts := strings.Split(folder, "_")
	if !ok || len(parts) != 3 {
		return ""
	}
	return parts[1]
}

// SetSource says which replica wrote the records that are observed from now on; empty when it is not known. A model whose records
// name their replica themselves (fields.replica) does not look at it. The text must not change while it is set.
func (in *Instance) SetSource(replica []byte) { in.source = replica }

// replicaDetector compares one replica with its peers: the others of the same bucket that are no more under suspicion than
// itself, so that one replica gone wrong does not make the others look wrong. Who is left out depends on earlier buckets only.
type replicaDetector struct {
	part   *piece
	tests  []replicaTest
	logs   []float64
	chosen int // the test that led to the alarm
	back   sequential.Recovery
	peers  []int // scratch
}

// replicaTest compares one quantity.
type replicaTest struct {
	of, hit int // cells: records, and those of them that count; hit < 0: those that are in records but not in of
	column  uint32
	missing bool
	x       sequential.Exchange
}

func newReplicaDetector(p *piece) *replicaDetector {
	r := &replicaDetector{part: p}
	r.relayout()
	return r
}

func (r *replicaDetector) relayout() {
	c := r.part.cut
	old := r.tests
	r.tests = nil
	for i, col := range c.compared {
		for _, missing := range [...]bool{false, true} {
			t := replicaTest{of: c.comparedAt + 2*i, hit: c.comparedAt + 2*i + 1, column: col.id, missing: missing}
			if at := slices.IndexFunc(old, func(o replicaTest) bool { return o.column == col.id && o.missing == missing }); at >= 0 {
				t.x = old[at].x
			} else {
				t.x = sequential.NewExchange(sequential.ExchangeOptions{Slack: math.Log(max(replicaOdds, c.in.model.Tolerance.Odds)), Cap: c.cap()})
			}
			r.tests = append(r.tests, t)
		}
	}
	r.chosen = min(r.chosen, max(0, len(r.tests)-1))
}

func (r *replicaDetector) forget() {
	r.tests, r.chosen, r.back = nil, 0, sequential.Recovery{}
	r.relayout()
}

// counts are hits and records of a test in one part of the open bucket.
func (t *replicaTest) counts(c *cut, part int) (k, n uint64) {
	if t.missing {
		n = c.count(&c.bucket, part, 0)
		return n - c.count(&c.bucket, part, t.of), n
	}
	return c.count(&c.bucket, part, t.hit), c.count(&c.bucket, part, t.of)
}

// compare lists the parts that the replica is compared with.
func (r *replicaDetector) compare() []int {
	c := r.part.cut
	r.peers = r.peers[:0]
	own := c.suspicion[r.part.number]
	for i := range c.parts {
		if i != r.part.number && c.suspicion[i] <= max(own, freeSuspicion) {
			r.peers = append(r.peers, i)
		}
	}
	return r.peers
}

// freeSuspicion is the log-evidence that is no suspicion yet.
const freeSuspicion = 2.

func (r *replicaDetector) update(*column) {
	if r.part.name == "" {
		return
	}
	c := r.part.cut
	peers := r.compare()
	for i := range r.tests {
		t := &r.tests[i]
		k, n := t.counts(c, r.part.number)
		var restK, restN uint64
		for _, p := range peers {
			pk, pn := t.counts(c, p)
			restK, restN = restK+pk, restN+pn
		}
		t.x.Update(k, n, restK, restN)
	}
}

func (r *replicaDetector) idle() {
	for i := range r.tests {
		r.tests[i].x.Update(0, 0, 0, 0)
	}
}

func (r *replicaDetector) logEvidence() float64 {
	r.logs = r.logs[:0]
	for i := range r.tests {
		r.logs = append(r.logs, r.tests[i].x.LogEvidence())
	}
	if len(r.logs) == 0 {
		return math.Inf(-1)
	}
	return sequential.LogAverage(r.logs, nil)
}

func (r *replicaDetector) reset() {
	for i := range r.tests {
		r.tests[i].x.Reset()
	}
}

func (r *replicaDetector) alternatives() int { return 1 }

// best is the test with the most evidence.
func (r *replicaDetector) best() int {
	best := 0
	for i := range r.tests {
		if r.tests[i].x.LogEvidence() > r.tests[best].x.LogEvidence() {
			best = i
		}
	}
	return best
}

func (r *replicaDetector) leading() sequential.Leading {
	if len(r.tests) == 0 {
		return sequential.Leading{LogEvidence: math.Inf(-1)}
	}
	return r.tests[r.best()].x.Leading()
}

func (r *replicaDetector) describe(_ *column, l sequential.Leading) told {
	t := &r.tests[r.best()]
	out := told{expected: t.x.Peers(), seen: l.Seen}
	for _, col := range r.part.cut.compared {
		switch {
		case col.id != t.column:
		case t.missing:
			out.what = "share of " + col.name + " missing"
		default:
			out.what = col.split.what
		}
	}
	return out
}

func (r *replicaDetector) startRecovery(l sequential.Leading) {
	r.chosen, r.back = r.best(), sequential.NewRecovery(l)
}

func (r *replicaDetector) recover(*column) {
	if r.chosen >= len(r.tests) || r.part.name == "" {
		return
	}
	c, t := r.part.cut, &r.tests[r.chosen]
	k, n := t.counts(c, r.part.number)
	var restK, restN uint64
	for _, p := range r.compare() {
		pk, pn := t.counts(c, p)
		restK, restN = restK+pk, restN+pn
	}
	if restN > 0 {
		lo, hi := t.x.Within(restK, restN)
		r.back.UpdateWithin(k, n, lo, hi)
	}
}

func (r *replicaDetector) recovered() bool { return r.back.Recovered() }

func (r *replicaDetector) encode(e *encoder) {
	e.text(r.part.name)
	e.uint(uint64(len(r.tests)))
	for i := range r.tests {
		t := &r.tests[i]
		e.uint(uint64(t.column))
		e.bool(t.missing)
		e.bytes(t.x.MarshalAppend(nil))
	}
	e.uint(uint64(r.chosen))
	e.bytes(r.back.MarshalAppend(nil))
}

func (r *replicaDetector) decode(d *stateDecoder) error {
	r.forget()
	if d.text() != r.part.name {
		return errState
	}
	for range d.length(2 * maxComparedColumns) {
		column, missing, data := uint32(d.uint()), d.bool(), d.bytes()
		i := slices.IndexFunc(r.tests, func(t replicaTest) bool { return t.column == column && t.missing == missing })
		if i < 0 {
			continue
		}
		if err := r.tests[i].x.Unmarshal(data); err != nil {
			return err
		}
	}
	r.chosen = d.length(max(len(r.tests)-1, 0))
	if err := r.back.Unmarshal(d.bytes()); err != nil {
		return err
	}
	return d.end()
}

// suspect renews how much evidence there is against each replica, for the comparisons of the bucket to come.
func (c *cut) suspect() {
	if len(c.suspicion) != len(c.parts) {
		c.suspicion = make([]float64, len(c.parts))
	}
	for i, p := range c.parts {
		c.suspicion[i] = 0
		switch {
		case p.stream == nil || p.name == "":
		case p.stream.alarm != nil:
			c.suspicion[i] = math.Inf(1)
		default:
			c.suspicion[i] = max(0, p.stream.logEvidence())
		}
	}
}
