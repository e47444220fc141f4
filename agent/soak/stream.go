package soak

import (
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// style is how a log is rotated.
type style struct {
	model string
	every [2]time.Duration // between two rotations, at least and at most
	burst bool             // several rotations in a row, as fast as they go
	cri   bool             // lines as a container runtime writes them
	plain bool             // nothing but whole records: bytes lost are lines lost
	turn  func(*stream) error
}

// styles are the four logs. In the last one lines are written between the copy and the
// truncation: they are lost unless the agent reads them in that moment, and that is nobody's fault.
var styles = []style{
	{model: "rename", every: [2]time.Duration{300 * time.Millisecond, 5 * time.Second}, burst: true, turn: (*stream).renameAway},
	{model: "kubelet", every: [2]time.Duration{1100 * time.Millisecond, 6 * time.Second}, cri: true, turn: (*stream).kubelet},
	{model: "copytruncate", every: [2]time.Duration{500 * time.Millisecond, 4 * time.Second}, turn: (*stream).copyTruncate},
	{model: "race", every: [2]time.Duration{time.Second, 5 * time.Second}, plain: true, turn: (*stream).copyTruncateUnderWrite},
}

const (
	writeEvery = 20 * time.Millisecond
	keepFor    = 30 * time.Second // rotated files stay so long at least, and until the agent has nearly caught up
)

// stream writes one log. Everything but the atomic fields belongs to the goroutine of run.
type stream struct {
	expected
	style
	a       *arena
	live    string
	rand    *rand.Rand
	file    *os.File
	serial  int64
	rotated []rotatedFile // newest first
	turns   atomic.Int64  // rotations until now
	// exposing makes records of serial number 0, which adds nothing to any sum: whether they are read or lost, the sums of all
	// others must match.
	exposing bool
	now      chan struct{} // asks for a rotation at once
	buf      []byte
	partial  []byte // second half of a line whose first half stands in the file
	dueAt    time.Time
}

type rotatedFile struct {
	path string
	at   time.Time
}

func newStream(a *arena, st style, i int) (*stream, error) {
	dir := a.path(st.model)
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, err
	}
	s := &stream{style: st, a: a, live: filepath.Join(dir, "app.jsonl"), now: make(chan struct{}, 1), rand: rand.New(rand.NewPCG(a.opts.Seed, uint64(i)+1))}
	return s, s.reopen()
}

func (s *stream) reopen() (err error) {
	s.file, err = os.OpenFile(s.live, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return err
}

// between draws a duration.
func between(r *rand.Rand, span [2]time.Duration) time.Duration {
	return span[0] + time.Duration(r.Int64N(int64(span[1]-span[0])+1))
}

// run writes until ctx is done, and leaves no half line behind.
func (s *stream) run(ctx context.Context) (err error) {
	defer func() {
		if e := s.complete(s.file); err == nil {
			err = e
		}
		if e := s.file.Close(); err == nil {
			err = e
		}
	}()
	next := time.Now().Add(between(s.rand, s.every))
	per := float64(s.a.opts.Rate) / float64(len(s.a.streams)) * writeEvery.Seconds()
	owed := 0.0
	each(ctx, writeEvery, func() bool {
		wanted := false
		select {
		case <-s.now:
			wanted = true
		default:
		}
		if now := time.Now(); wanted || now.After(next) {
			times := 1
			if s.burst && s.rand.IntN(10) == 0 {
				times = 10
			}
			for range times {
				if err = s.rotate(per); err != nil {
					return false
				}
			}
			next = time.Now().Add(between(s.rand, s.every))
		}
		if s.partial != nil {
			if time.Now().Before(s.dueAt) {
				return true
			}
			if err = s.complete(s.file); err != nil {
				return false
			}
		}
		owed += per
		n := int(owed)
		owed -= float64(n)
		err = s.write(n)
		return err == nil
	})
	return err
}

func (s *stream) rotate(per float64) error {
	if err := s.write(int(per)); err != nil {
		return err
	}
	if err := s.turn(s); err != nil {
		return err
	}
	s.turns.Add(1)
	s.a.events.add("rotation: " + s.model)
	return s.prune()
}

// write appends n records and now and then something that is none.
func (s *stream) write(n int) error {
	if s.partial != nil {
		if err := s.complete(s.file); err != nil {
			return err
		}
	}
	s.buf = s.buf[:0]
	for range n {
		s.serial++
		s.record(s.serial)
	}
	if !s.plain {
		s.oddities()
	}
	_, err := s.file.Write(s.buf)
	return err
}

// record adds one record in the log's own clothes.
func (s *stream) record(serial int64) {
	if s.exposing {
		serial = 0
	}
	if !s.cri {
		s.buf = append(s.appendRecord(s.buf, serial, time.Now()), '\n')
		return
	}
	stamp := time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z")
	if s.rand.IntN(200) != 0 {
		s.buf = append(append(s.buf, stamp...), " stdout F "...)
		s.buf = append(s.appendRecord(s.buf, serial, time.Now()), '\n')
		return
	}
	s.a.events.add("CRI line in pieces")
	text := s.appendRecord(nil, serial, time.Now())
	cut := 1 + s.rand.IntN(len(text)-1)
	s.buf = append(append(s.buf, stamp...), " stdout P "...)
	s.buf = append(append(s.buf, text[:cut]...), '\n')
	s.buf = append(append(s.buf, stamp...), " stdout F "...)
	s.buf = append(append(s.buf, text[cut:]...), '\n')
	s.lines++
}

// oddities adds what breaks other readers: malformed and oversize lines, and a line whose second half comes later.
func (s *stream) oddities() {
	switch s.rand.IntN(40) {
	case 0:
		s.buf = append(append(s.buf, malformedLines[s.rand.IntN(len(malformedLines))]...), '\n')
		s.malformed++
		s.lines++
		s.a.events.add("malformed line")
	case 1:
		if s.rand.IntN(8) == 0 {
			s.buf = append(append(s.buf, bytes.Repeat([]byte("x"), maxLine+1+s.rand.IntN(4*maxLine))...), '\n')
			s.oversize++
			s.a.events.add("oversize line")
		}
	case 2:
		s.serial++
		start := len(s.buf)
		s.record(s.serial)
		cut := start + 1 + s.rand.IntN(len(s.buf)-start-1)
		s.partial = append([]byte(nil), s.buf[cut:]...)
		s.buf = s.buf[:cut]
		s.dueAt = time.Now().Add(between(s.rand, [2]time.Duration{20 * time.Millisecond, time.Second}))
		s.a.events.add("half line")
	}
}

// complete writes the second half of a line into the file that has the first.
func (s *stream) complete(f *os.File) error {
	if s.partial == nil {
		return nil
	}
	_, err := f.Write(s.partial)
	s.partial = nil
	return err
}
