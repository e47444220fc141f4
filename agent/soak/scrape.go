package soak

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	scrapeEvery = 50 * time.Millisecond
	maxBody     = 64 << 20
)

// perLife are counters of the agent's own work: they begin at zero with every process, as those of any Go program do, and
// rate() takes that for the restart that it is. Everything that is counted of logs and models is not among them.
var perLife = []string{
	"plumbline_notification_failures_total",
	"plumbline_notifications_suppressed_total",
	"plumbline_notifications_total",
	"plumbline_rule_evaluation_failures_total",
	"plumbline_rule_evaluations_total",
	"plumbline_rule_store_dropped_total",
}

// scraper is what Prometheus would be: it sees counters over all lives of the agent and none may go back.
type scraper struct {
	url    string
	client *http.Client

	mu          sync.Mutex // guards everything below
	latest      map[string]float64
	highest     map[string]float64 // counters only
	scrapes     int
	began       int // times that a counter of perLife began again
	regressions map[string]int
	examples    []string // of them, at most 10
}

func newScraper(url string) *scraper {
	return &scraper{url: url, client: &http.Client{Timeout: 5 * time.Second}, latest: map[string]float64{}, highest: map[string]float64{}, regressions: map[string]int{}}
}

// run scrapes until ctx is done. While the agent is down there is nothing to see.
func (s *scraper) run(ctx context.Context) {
	each(ctx, scrapeEvery, func() bool {
		_ = s.scrape(ctx) // a kill in the middle of an answer is what this is about
		return true
	})
}

func (s *scraper) scrape(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return err
	}
	res, err := s.client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		discard(io.LimitReader(res.Body, maxBody))
		return fmt.Errorf("status %d", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return err
	}
	s.take(string(body))
	return nil
}

// take reads one whole answer in Prometheus's text format.
func (s *scraper) take(body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scrapes++
	family, counts := "", false
	latest := make(map[string]float64, len(s.latest))
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			var kind string
			family, kind, _ = strings.Cut(rest, " ")
			counts = kind == "counter" || kind == "histogram"
			continue
		}
		if line == "" || line[0] == '#' || !strings.HasPrefix(line, family) {
			continue
		}
		cut := strings.LastIndexByte(line, ' ')
		if cut < 0 {
			continue
		}
		series := line[:cut]
		v, err := strconv.ParseFloat(line[cut+1:], 64)
		if err != nil {
			continue
		}
		latest[series] = v
		if !counts {
			continue
		}
		switch before, ok := s.highest[series]; {
		case !ok || v >= before:
		case slices.Contains(perLife, family):
			s.began++
		default:
			s.regressions[series]++
			if len(s.examples) < 10 {
				s.examples = append(s.examples, fmt.Sprintf("%s went from %v to %v", series, before, v))
			}
		}
		s.highest[series] = v
	}
	s.latest = latest
}

// sum adds the newest values of all series of a name.
func (s *scraper) sum(name string, labels ...string) (total float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
next:
	for series, v := range s.latest {
		n, rest, _ := strings.Cut(series, "{")
		if n != name {
			continue
		}
		for _, l := range labels {
			if !strings.Contains(rest, l) {
				continue next
			}
		}
		total += v
	}
	return total
}

// seen is the number of answers.
func (s *scraper) seen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scrapes
}

// backwards gives the series that went back with how often, some examples, and how often a counter of perLife began again.
func (s *scraper) backwards() (series map[string]int, examples []string, beganAgain int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.regressions), append([]string(nil), s.examples...), s.began
}
