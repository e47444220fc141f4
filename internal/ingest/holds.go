package ingest

import (
	"encoding/json"
	"slices"

	"github.com/plumbline-ml/plumbline/internal/tail"
)

// line names one line of one file, over restarts.
type line struct {
	source string // tail.Source.ID
	offset int64
}

// holds remembers which model waits for the rest of which line. Two models that read one file may wait for different
// lines: after a restart a line that is read again must reach only those that waited for it, because the others
// have counted it.
type holds struct {
	now   map[line][]string // models that wait now
	again map[line][]string // as of the commit that was restored; entries go as the lines come again
	dirty bool
}

// hold notes that a model waits, and tells the tail when it is the first.
func (h *holds) hold(s *tail.Source, offset int64, length int, model string) {
	at := line{s.ID(), offset}
	if h.now == nil {
		h.now = map[line][]string{}
	}
	if len(h.now[at]) == 0 {
		s.Hold(offset, length)
	}
	h.now[at] = append(h.now[at], model)
	h.dirty = true
}

// release takes a model's wait back, and tells the tail when it was the last.
func (h *holds) release(s *tail.Source, offset int64, model string) {
	at := line{s.ID(), offset}
	models := h.now[at]
	i := slices.Index(models, model)
	if i < 0 {
		return
	}
	models = slices.Delete(models, i, i+1)
	h.dirty = true
	if len(models) > 0 {
		h.now[at] = models
		return
	}
	delete(h.now, at)
	s.Release(offset)
}

// repeated says which models a line is read again for; false means that the line is new.
func (h *holds) repeated(s *tail.Source, offset int64) ([]string, bool) {
	if len(h.again) == 0 {
		return nil, false
	}
	at := line{s.ID(), offset}
	models, ok := h.again[at]
	if ok {
		delete(h.again, at)
		h.dirty = true
	}
	return models, ok
}

// restart makes what is held now what will be read again, because a new tailer takes over.
func (h *holds) restart() {
	if h.again == nil {
		h.again = map[line][]string{}
	}
	for at, models := range h.now {
		h.again[at] = models
	}
	h.now = nil
}

type savedHold struct {
	Source string   `json:"s"`
	Offset int64    `json:"o"`
	Models []string `json:"m"`
}

func (h *holds) encode() []byte {
	saved := make([]savedHold, 0, len(h.now)+len(h.again))
	for _, m := range []map[line][]string{h.now, h.again} {
		for at, models := range m {
			saved = append(saved, savedHold{at.source, at.offset, models})
		}
	}
	slices.SortFunc(saved, func(a, b savedHold) int {
		switch {
		case a.Source != b.Source && a.Source < b.Source, a.Source == b.Source && a.Offset < b.Offset:
			return -1
		case a.Source == b.Source && a.Offset == b.Offset:
			return 0
		}
		return 1
	})
	data, err := json.Marshal(saved)
	if err != nil {
		return nil // texts and numbers can always be written
	}
	return data
}

func (h *holds) decode(data []byte) {
	var saved []savedHold
	if json.Unmarshal(data, &saved) != nil {
		return
	}
	h.again = map[line][]string{}
	for _, s := range saved {
		h.again[line{s.Source, s.Offset}] = s.Models
	}
}
