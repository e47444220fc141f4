package monitor

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/detectors"
	"github.com/plumbline-ml/plumbline/internal/simulator"
)

func TestStateThatCannotBeReadBeginsAnewAndSaysSo(t *testing.T) {
	h := fed(t, mustModel(t, spamModel))
	s := store{}
	s.commit(h.engine)
	for name, damage := range map[string]func(store){
		"another version": func(s store) {
			for name := range s {
				s[name][0] = 77
			}
		},
		"half a section": func(s store) {
			name := h.in.section("totals")
			s[name] = s[name][:len(s[name])/2]
		},
		"a lost pane": func(s store) {
			for name := range s {
				if strings.Contains(name, "\x00pane/") {
					delete(s, name)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			broken := store{}
			for k, v := range s {
				broken[k] = slices.Clone(v)
			}
			damage(broken)
			again := newHarness(t, h.in.model)
			if err := again.engine.Restore(broken.names(), broken.get); err != nil {
				t.Fatal(err)
			}
			if got := again.engine.Forgotten(); len(got) != 1 || got[0] != "spam" {
				t.Errorf("forgotten: %v", got)
			}
			again.in = again.engine.Model("spam")
			if v := value(t, again.collect(), "plumbline_records_total|spam|"); v != 0 {
				t.Errorf("records: %v", v)
			}
			broken.commit(again.engine)
			third := newHarness(t, h.in.model)
			if err := third.engine.Restore(broken.names(), broken.get); err != nil || len(third.engine.Forgotten()) != 0 {
				t.Errorf("after a commit: %v, %v", err, third.engine.Forgotten())
			}
		})
	}
}

// FuzzRestore changes bytes of one section of a real state: the engine may begin anew, never panic, and must be able to
// go on.
func FuzzRestore(f *testing.F) {
	m := mustModel(f, spamModel)
	h := newHarness(f, m)
	lines := simulated(7000, simulator.Options{Seed: 4})
	for _, l := range lines {
		h.line(l, time.Time{})
		h.engine.Advance(h.in.Newest())
	}
	s := store{}
	s.commit(h.engine)
	names := s.names()
	for i := range names {
		f.Add(uint16(i), uint32(3), byte(200), uint16(0))
		f.Add(uint16(i), uint32(9), byte(1), uint16(5))
	}
	f.Fuzz(func(t *testing.T, section uint16, at uint32, to byte, cut uint16) {
		broken := store{}
		for k, v := range s {
			broken[k] = v
		}
		name := names[int(section)%len(names)]
		data := slices.Clone(s[name])
		if len(data) > 0 {
			data[int(at)%len(data)] = to
			data = data[:len(data)-min(int(cut), len(data))]
		}
		broken[name] = data
		again := newHarness(t, m)
		if err := again.engine.Restore(broken.names(), broken.get); err != nil {
			t.Fatal(err)
		}
		again.in = again.engine.Model("spam")
		again.parser = again.in.Plan().NewParser()
		for _, l := range lines[:50] {
			again.line(l, time.Time{})
		}
		again.engine.Advance(again.in.Newest())
		again.collect()
		again.engine.Sections()
	})
}

func FuzzParseReference(f *testing.F) {
	m := writeReference(f, 2000)
	data, err := os.ReadFile(filepath.Join(filepath.Dir(m.File), "ref.json"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte(`{"plumbline_reference":1,"model":"m","records":3,"columns":[{"name":"a","path":"a","role":"feature","kind":"category","count":3,"repeats":0,"categories":[{"name":"x","count":2}],"other":1}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := ParseReference(data)
		if err != nil {
			return
		}
		out, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseReference(out)
		if err != nil {
			t.Fatalf("a reference that was written cannot be read: %v", err)
		}
		if len(again.Columns) != len(r.Columns) {
			t.Fatal("columns were lost")
		}
	})
}

func TestSketchesSurviveStateWithRareValuesRounded(t *testing.T) {
	var s, back detectors.Sketch
	for i := range 10000 {
		s.Add(float64(i%100) / 10)
		s.Add(1000 + math.Sqrt(float64(i)))
	}
	e := encoder{}
	encodeSketch(&e, &s, 20)
	d := &stateDecoder{buf: e.buf}
	decodeSketch(d, &back)
	if err := d.end(); err != nil || back.N() != s.N() {
		t.Fatalf("%v: %d values, want %d", err, back.N(), s.N())
	}
	counts := map[float64]uint64{}
	for x, n := range back.Values() {
		counts[x] = n
	}
	if counts[0.1] != 100 || counts[9.9] != 100 {
		t.Error("a frequent value is not what it was")
	}
	for x, n := range counts {
		if x > 100 && n < 20 && x != roundBits(x, baseBits) {
			t.Fatalf("a rare value is kept as it was: %v", x)
		}
	}
}
