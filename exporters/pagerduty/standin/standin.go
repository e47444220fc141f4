// Package standin is a local stand-in for PagerDuty's Events API v2: it checks every field of the published
// contract, keeps incidents as PagerDuty does, and prints a page as the on-call would see it.
//
// It exists for the demo, for tests and for anybody who wants to try routes without waking a person. It is a
// state machine, not a mock: a trigger on an open incident joins it, a trigger after a resolve opens another
// one, and a resolve for an incident that is not open is accepted and dropped. A Server is safe for concurrent
// use; it remembers MaxHistory calls and MaxIncidents incidents (half as many again for a while), the oldest
// are forgotten first.
//
// It does not page, does not persist and does not check who is calling.
package standin

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Options of a Server. The zero value is complete.
type Options struct {
	Now          func() time.Time // nil means time.Now
	Limit        int              // events per routing key in a sliding minute before 429; zero means no limit
	MaxHistory   int              // zero means 10,000
	MaxIncidents int              // zero means 10,000
	// OnEvent is called after every accepted event with the incident it belongs to, outside the lock and in
	// order. A dropped event has no incident. Nil means nobody listens.
	OnEvent func(Event, *Incident)
}

// Status of an incident.
type Status string

// The states an incident goes through.
const (
	Triggered    Status = "triggered"
	Acknowledged Status = "acknowledged"
	Resolved     Status = "resolved"
)

// Incident is what PagerDuty would show.
type Incident struct {
	Number     int
	DedupKey   string
	Status     Status
	OpenedAt   time.Time
	UpdatedAt  time.Time
	ResolvedAt time.Time
	Triggers   int   // events that opened or joined it
	Last       Event // newest trigger: what the screen shows

	key string // routing key and dedup key
}

// Call is one request as it was answered.
type Call struct {
	At      time.Time
	Status  int
	Event   Event    // as far as it could be read
	Errors  []string // what the contract was found to be broken by
	Dropped bool     // accepted, but there was no open incident for it
	Change  bool     // it went to /v2/change/enqueue
	keyHash string
}

// Reply is a scripted answer in place of the real one.
type Reply struct {
	Status     int
	RetryAfter string // header, as it is to be sent
	Body       string
	Header     http.Header
	Hang       bool // no answer until the client gives up
	Reset      bool // the connection breaks; the event was not taken
	LateReset  bool // the connection breaks after the event was taken
}

// Server is the stand-in. See the package comment.
type Server struct {
	opts Options

	mu        sync.Mutex // guards everything below
	script    func(call int) *Reply
	calls     int
	history   []Call
	open      map[string]*Incident
	incidents []*Incident
	numbers   int
	recent    map[string][]time.Time // accepted calls per routing key, for Limit
	events    sync.Mutex             // keeps OnEvent in order
}

// New makes a stand-in.
func New(opts Options) *Server {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.MaxHistory <= 0 {
		opts.MaxHistory = 10_000
	}
	if opts.MaxIncidents <= 0 {
		opts.MaxIncidents = 10_000
	}
	return &Server{opts: opts, open: map[string]*Incident{}, recent: map[string][]time.Time{}}
}

// Script sets answers: f gets the number of the call, from 0, and returns nil for the real answer. A nil f ends it.
func (s *Server) Script(f func(call int) *Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script, s.calls = f, 0
}

// Incidents lists all incidents in the order of their opening.
func (s *Server) Incidents() []Incident {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Incident, len(s.incidents))
	for i, inc := range s.incidents {
		out[i] = *inc
	}
	return out
}

// Open lists the incidents that are not resolved.
func (s *Server) Open() []Incident {
	return slices.DeleteFunc(s.Incidents(), func(i Incident) bool { return i.Status == Resolved })
}

// History lists the calls that are remembered, oldest first.
func (s *Server) History() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.history)
}

// ServeHTTP is the API, and a plain text list of incidents at any path that is not of the API.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		for _, inc := range s.Incidents() {
			_, _ = io.WriteString(w, Render(inc)+"\n")
		}
		return
	}
	reply := s.scripted()
	if reply != nil && !reply.LateReset {
		s.answerScripted(w, r, reply)
		return
	}
	call, inc := s.take(r)
	s.note(call, inc)
	if reply != nil {
		panic(http.ErrAbortHandler)
	}
	answer(w, call)
}

func (s *Server) scripted() *Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.script == nil {
		return nil
	}
	s.calls++
	return s.script(s.calls - 1)
}

func (s *Server) answerScripted(w http.ResponseWriter, r *http.Request, reply *Reply) {
	event, _, _ := read(r)
	s.note(Call{At: s.opts.Now(), Status: reply.Status, Event: event, keyHash: event.keyHash}, nil)
	switch {
	case reply.Hang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case reply.Reset:
		panic(http.ErrAbortHandler)
	}
	for k, v := range reply.Header {
		w.Header()[k] = v
	}
	if reply.RetryAfter != "" {
		w.Header().Set("Retry-After", reply.RetryAfter)
	}
	w.WriteHeader(reply.Status)
	_, _ = io.WriteString(w, reply.Body)
}

// take reads, checks and applies one event.
func (s *Server) take(r *http.Request) (Call, *Incident) {
	now := s.opts.Now()
	event, change, problems := read(r)
	call := Call{At: now, Event: event, Change: change, Errors: problems, keyHash: event.keyHash}
	if len(problems) > 0 {
		call.Status = http.StatusBadRequest
		return call, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tooMany(event.keyHash, now) {
		call.Status = http.StatusTooManyRequests
		return call, nil
	}
	call.Status = http.StatusAccepted
	if change {
		return call, nil
	}
	inc := s.apply(&event, now)
	call.Event = event
	if call.Dropped = inc == nil; call.Dropped {
		return call, nil
	}
	copied := *inc
	return call, &copied
}

// tooMany counts calls in the last minute, refused ones included, as PagerDuty does.
func (s *Server) tooMany(key string, now time.Time) bool {
	if s.opts.Limit <= 0 {
		return false
	}
	times := slices.DeleteFunc(s.recent[key], func(t time.Time) bool { return now.Sub(t) >= time.Minute })
	s.recent[key] = append(times, now)
	return len(times) >= s.opts.Limit
}

// apply moves the state machine. It returns nil when there was no open incident for the event.
func (s *Server) apply(e *Event, now time.Time) *Incident {
	if e.DedupKey == "" {
		s.numbers++
		e.DedupKey = "standin-" + strconv.Itoa(s.numbers)
	}
	id := e.keyHash + "\x00" + e.DedupKey
	inc := s.open[id]
	switch e.Action {
	case "trigger":
		if inc == nil {
			s.numbers++
			inc = &Incident{Number: s.numbers, DedupKey: e.DedupKey, Status: Triggered, OpenedAt: now, key: id}
			s.open[id] = inc
			s.incidents = append(s.incidents, inc)
			if over := len(s.incidents) - s.opts.MaxIncidents; over > s.opts.MaxIncidents/2 { // moved rarely, not every time
				for _, old := range s.incidents[:over] {
					if s.open[old.key] == old {
						delete(s.open, old.key)
					}
				}
				s.incidents = slices.Delete(s.incidents, 0, over)
			}
		}
		inc.Triggers++
		inc.Last = *e
	case "acknowledge":
		if inc == nil {
			return nil
		}
		inc.Status = Acknowledged
	case "resolve":
		if inc == nil {
			return nil
		}
		inc.Status, inc.ResolvedAt = Resolved, now
		delete(s.open, id)
	}
	inc.UpdatedAt = now
	return inc
}

func (s *Server) note(c Call, inc *Incident) {
	s.events.Lock()
	defer s.events.Unlock()
	s.mu.Lock()
	s.history = append(s.history, c)
	if over := len(s.history) - s.opts.MaxHistory; over > s.opts.MaxHistory/2 {
		s.history = slices.Delete(s.history, 0, over)
	}
	s.mu.Unlock()
	if c.Status == http.StatusAccepted && s.opts.OnEvent != nil {
		s.opts.OnEvent(c.Event, inc)
	}
}

func answer(w http.ResponseWriter, c Call) {
	body := map[string]any{"status": "success", "message": "Event processed", "dedup_key": c.Event.DedupKey}
	switch c.Status {
	case http.StatusBadRequest:
		body = map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": c.Errors}
	case http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "60")
		body = map[string]any{"status": "throttle exceeded", "message": "Requests for this service are arriving too quickly. Please retry later."}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(c.Status)
	_ = json.NewEncoder(w).Encode(body)
}

// Transport is the stand-in without sockets, for tests that make very many calls.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ s *Server }

// RoundTrip runs the handler in place. A connection that the script breaks is an error.
func (t transport) RoundTrip(r *http.Request) (res *http.Response, err error) {
	rec := &recorded{header: http.Header{}, status: http.StatusOK}
	defer func() {
		if p := recover(); p != nil {
			if p != http.ErrAbortHandler { //nolint:errorlint // a recovered value, compared as net/http does
				panic(p)
			}
			if res, err = nil, r.Context().Err(); err == nil {
				err = fmt.Errorf("read: %w", io.ErrUnexpectedEOF)
			}
		}
	}()
	t.s.ServeHTTP(rec, r)
	return &http.Response{
		StatusCode: rec.status, Status: strconv.Itoa(rec.status), Header: rec.header, Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Body: io.NopCloser(strings.NewReader(rec.body.String())),
	}, nil
}

type recorded struct {
	header http.Header
	status int
	body   strings.Builder
}

func (r *recorded) Header() http.Header         { return r.header }
func (r *recorded) WriteHeader(status int)      { r.status = status }
func (r *recorded) Write(p []byte) (int, error) { return r.body.Write(p) }
