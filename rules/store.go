package rules

import (
	"errors"
	"slices"
	"sort"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// errStoreFull says that a new series was refused because of the limit on series. The caller counts it.
var errStoreFull = errors.New("rule store: limit on series reached")

// nameLabel carries the name of a metric.
const nameLabel = model.MetricNameLabel

const (
	// instantRing is how many samples a series keeps when no rule looks back over it: the newest one answers, the few
	// before it serve evaluations that are a little older than the newest batch.
	instantRing = 8
	// idleMillis is how long a series without new samples stays; longer when a rule looks back further.
	idleMillis = 60 * 60 * 1000
	// sweepMillis is how often idle series are looked for.
	sweepMillis = 60 * 1000
)

type sample struct {
	t int64 // Unix milliseconds
	v float64
}

// series is one time series: a ring of samples in ascending time.
type series struct {
	lbls   labels.Labels
	metric *metricSeries
	ring   []sample // capacity is a power of two, grows up to store.maxSamples
	head   int      // index of the oldest sample
	n      int
	step   int64 // time between the two newest appends, for judging freshness
	newest int64 // time of the newest append
	dead   bool  // removed from the store; caches must look the series up again
}

func (s *series) at(i int) sample { return s.ring[(s.head+i)&(len(s.ring)-1)] }

// after is the index of the first sample that is later than t.
func (s *series) after(t int64) int {
	if s.n > 0 && s.at(s.n-1).t <= t { // the common case: everything is in the past
		return s.n
	}
	return sort.Search(s.n, func(i int) bool { return s.at(i).t > t })
}

// metricSeries holds the series that share a name, and how much of them the rules want.
type metricSeries struct {
	name    string
	list    []*series
	window  int64 // milliseconds that must stay readable; 0 means the newest samples only
	spacing int64 // samples closer than this are thinned out
}

// store is the memory behind the rules: series by label hash and by metric name. It has no lock of its own;
// Engine.mu guards it.
type store struct {
	maxSeries  int
	maxSamples int // per series, a power of two
	needs      needs
	byHash     map[uint64][]*series
	byName     map[string]*metricSeries
	count      int
	dropped    uint64 // samples refused because of maxSeries
	newest     int64
	swept      int64
	gen        uint64         // rises whenever the set of series changes
	nodes      map[string]int // series by the node that they are about; without such a label they are about this one
	exact      bool           // keep every sample: for tests of rules
}

func newStore(maxSeries, maxSamples int, n needs) *store {
	size := instantRing
	for size < maxSamples {
		size *= 2
	}
	return &store{maxSeries: maxSeries, maxSamples: size, needs: n, byHash: map[uint64][]*series{}, byName: map[string]*metricSeries{}, nodes: map[string]int{}}
}

// setNeeds changes what is kept. Series that no rule reads any more go away; the others keep their samples.
func (st *store) setNeeds(n needs) {
	n.withPeers = n.withPeers || st.needs.withPeers
	st.needs = n
	for name, m := range st.byName {
		window, wanted := n.of(name)
		if !wanted {
			for _, s := range slices.Clone(m.list) {
				st.remove(s)
			}
			continue
		}
		m.window, m.spacing = window, st.spacing(window)
	}
}

// spacing spreads the samples of a long window over the ring, so that a rule over a day does not need one sample a second.
func (st *store) spacing(window int64) int64 {
	if st.exact {
		return 0
	}
	return window / int64(st.maxSamples*3/4)
}

// find returns the series with exactly these labels, or nil.
func (st *store) find(hash uint64, lbls labels.Labels) *series {
	for _, s := range st.byHash[hash] {
		if labels.Equal(s.lbls, lbls) {
			return s
		}
	}
	return nil
}

// series returns the series for lbls and makes it when it is new. It returns nil and no error when no rule reads the metric.
func (st *store) series(lbls labels.Labels) (*series, error) {
	hash := lbls.Hash()
	if s := st.find(hash, lbls); s != nil {
		return s, nil
	}
	name := lbls.Get(nameLabel)
	m := st.byName[name]
	if m == nil {
		window, wanted := st.needs.of(name)
		if !wanted {
			return nil, nil
		}
		m = &metricSeries{name: name, window: window, spacing: st.spacing(window)}
	}
	if st.count >= st.maxSeries {
		st.dropped++
		return nil, errStoreFull
	}
	s := &series{lbls: lbls.Copy(), metric: m}
	st.byName[name] = m
	m.list = append(m.list, s)
	st.byHash[hash] = append(st.byHash[hash], s)
	st.count++
	st.gen++
	st.nodes[s.lbls.Get(model.InstanceLabel)]++
	return s, nil
}

// append adds one sample. A sample at the time of the newest one replaces it when replace is set.
func (st *store) append(s *series, t int64, v float64, replace bool) error {
	if s.n > 0 {
		last := &s.ring[(s.head+s.n-1)&(len(s.ring)-1)]
		switch {
		case t < last.t:
			return storage.ErrOutOfOrderSample
		case t == last.t && (replace || sameBits(last.v, v)):
			last.v = v
			return nil
		case t == last.t:
			return storage.ErrDuplicateSampleForTimestamp
		}
		s.step = t - s.newest
		if s.n > 1 && last.t-s.at(s.n-2).t < s.metric.spacing {
			*last = sample{t, v} // the one between is closer to its neighbour than anybody needs
			s.newest = t
			st.advance(t)
			return nil
		}
	}
	st.push(s, sample{t, v})
	s.newest = t
	st.advance(t)
	return nil
}

func (st *store) push(s *series, x sample) {
	if s.n == len(s.ring) {
		for !st.exact && s.n > 1 && s.at(1).t < x.t-s.metric.window { // what nobody can ask for makes room first
			s.head = (s.head + 1) & (len(s.ring) - 1)
			s.n--
		}
	}
	if s.n == len(s.ring) {
		limit := st.maxSamples
		if s.metric.window == 0 {
			limit = instantRing
		}
		if len(s.ring) < limit {
			grown := make([]sample, max(2, 2*len(s.ring)))
			for i := range s.n {
				grown[i] = s.at(i)
			}
			s.ring, s.head = grown, 0
		} else {
			s.head = (s.head + 1) & (len(s.ring) - 1)
			s.n--
		}
	}
	s.ring[(s.head+s.n)&(len(s.ring)-1)] = x
	s.n++
}

func (st *store) advance(t int64) {
	if t > st.newest {
		st.newest = t
		if t-st.swept >= sweepMillis {
			st.swept = t
			st.sweep(t)
		}
	}
}

// sweep removes series that nothing was appended to for so long that no rule can see them.
func (st *store) sweep(now int64) {
	if st.exact {
		return
	}
	for _, m := range st.byName {
		limit := now - max(m.window, idleMillis)
		for i := len(m.list) - 1; i >= 0; i-- {
			if s := m.list[i]; s.n > 0 && s.newest < limit {
				st.remove(s)
			}
		}
	}
}

func (st *store) remove(s *series) {
	hash := s.lbls.Hash()
	st.byHash[hash] = slices.DeleteFunc(st.byHash[hash], func(o *series) bool { return o == s })
	if len(st.byHash[hash]) == 0 {
		delete(st.byHash, hash)
	}
	s.metric.list = slices.DeleteFunc(s.metric.list, func(o *series) bool { return o == s })
	if len(s.metric.list) == 0 {
		delete(st.byName, s.metric.name)
	}
	s.dead = true
	if node := s.lbls.Get(model.InstanceLabel); st.nodes[node] > 1 {
		st.nodes[node]--
	} else {
		delete(st.nodes, node)
	}
	st.count--
	st.gen++
}

// rewind forgets samples later than t: the clock went back, and what it says now is the time that counts.
func (st *store) rewind(t int64) {
	for _, m := range st.byName {
		for _, s := range m.list {
			s.n = s.after(t)
			if s.n > 0 {
				s.newest = s.at(s.n - 1).t
			}
			s.newest = min(s.newest, t)
		}
	}
	st.newest, st.swept = min(st.newest, t), min(st.swept, t)
}

// forget removes the series that carry all of these labels.
func (st *store) forget(want map[string]string) {
	for _, m := range st.byName {
		for _, s := range slices.Clone(m.list) {
			gone := len(want) > 0
			for k, v := range want {
				gone = gone && s.lbls.Get(k) == v
			}
			if gone {
				st.remove(s)
			}
		}
	}
}

// match calls yield for each series that all matchers accept.
func (st *store) match(matchers []*labels.Matcher, yield func(*series)) {
	for _, m := range matchers {
		if m.Name == nameLabel && m.Type == labels.MatchEqual {
			if named := st.byName[m.Value]; named != nil {
				matchList(named.list, matchers, yield)
			}
			return
		}
	}
	for _, named := range st.byName {
		matchList(named.list, matchers, yield)
	}
}

func matchList(list []*series, matchers []*labels.Matcher, yield func(*series)) {
next:
	for _, s := range list {
		for _, m := range matchers {
			if m.Name == nameLabel && m.Type == labels.MatchEqual && m.Value == s.metric.name {
				continue
			}
			if !m.Matches(s.lbls.Get(m.Name)) {
				continue next
			}
		}
		yield(s)
	}
}

func sortSeries(list []*series) {
	slices.SortFunc(list, func(a, b *series) int { return labels.Compare(a.lbls, b.lbls) })
}
