package ingest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-ml/plumbline/internal/catalog"
)

// TestPiecesAreOneRecordOverRotationAndKillAtEveryPoint cuts CRI and Docker records into pieces, and kills and rotates between any
// two of them: every record must be counted once, whichever piece was the last before the kill or the rotation.
func TestPiecesAreOneRecordOverRotationAndKillAtEveryPoint(t *testing.T) {
	docker := func(text string) string {
		return fmt.Sprintf(`{"log":%q,"stream":"stdout","time":"2026-11-23T00:41:04.157913Z"}`+"\n", text)
	}
	forms := map[string]func(piece string, last bool) string{
		"CRI": func(piece string, last bool) string {
			if last {
				return cri + "F " + piece + "\n"
			}
			return cri + "P " + piece + "\n"
		},
		"Docker": func(piece string, last bool) string {
			if last {
				return docker(piece + "\n")
			}
			return docker(piece)
		},
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, "model: a\nlogs: {include: [LOGS/0.log], format: json}\nfeatures: [{path: i, kind: number}]\nreference: {learn: 100 records}\n")
			rng := rand.New(rand.NewPCG(3, 1))
			r.append("0.log", form(`{"i":0}`, true))
			r.run(1) // files that are rotated away before a very first start are nobody's
			lines, records, rotated := 1.0, 1, 0
			for records < 60 && !t.Failed() {
				records++
				rest := fmt.Sprintf(`{"i":%d,"pad":"%s"}`, records, strings.Repeat("x", rng.IntN(60)))
				for pieces := 1 + rng.IntN(3); pieces > 0; pieces-- {
					piece := rest
					if pieces > 1 {
						piece = rest[:1+rng.IntN(max(1, len(rest)-2))]
					}
					rest = rest[len(piece):]
					r.append("0.log", form(piece, pieces == 1))
					lines++
					if rest == "" {
						break
					}
					switch rng.IntN(3) {
					case 0:
						r.run(lines) // the run ends, and the next one begins from what was committed
					case 1:
						rotated++
						if err := os.Rename(filepath.Join(r.logs, "0.log"), filepath.Join(r.logs, fmt.Sprintf("0.log.20261123-%06d", rotated))); err != nil {
							t.Fatal(err)
						}
					}
				}
			}
			r.append("0.log", form(`{"i":0}`, true))
			r.run(lines + 1)
			if n := r.records("a"); n != float64(records+1) {
				t.Errorf("%v records, want %d; %d rotations", n, records+1, rotated)
			}
			if n := total(r.last, catalog.ParseErrors) + total(r.last, catalog.LinesIgnored); n != 0 {
				t.Errorf("%v lines could not be read", n)
			}
			if rotated == 0 {
				t.Error("nothing was rotated")
			}
		})
	}
}

// TestClockJumpsLoseNoLineAndNoWindow is goal 13: the wall clock goes back an hour, forward an hour, forward ten days, and stands still,
// while lines with the right times go on.
func TestClockJumpsLoseNoLineAndNoWindow(t *testing.T) {
	for _, test := range []struct {
		name string
		jump time.Duration
		stop bool
	}{
		{"an hour back", -time.Hour, false}, {"an hour forward", time.Hour, false}, {"ten days forward", 240 * time.Hour, false}, {"stands still", 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, fmt.Sprintf(serialModel, "LOGS"))
			now := time.Now()
			l, err := New(Options{Models: r.models, StateDir: r.state, Now: func() time.Time { return now }, Publish: func(b catalog.Batch) { r.last = b }})
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			written, was := 0, 0.0
			step := func() {
				var b strings.Builder
				for range 10 {
					b.WriteString(serialLine(written, now))
					written++
				}
				r.append("a.jsonl", b.String())
				for !l.tailer.Caught() || int(l.counters.Lines) < written {
					chunk, err := l.tailer.Next(context.Background(), time.Now().Add(5*time.Millisecond))
					if err != nil {
						t.Fatal(err)
					}
					if chunk != nil {
						l.chunk(chunk)
					}
				}
				l.tick()
				for _, s := range r.last.Samples {
					if s.Hist == nil && s.Value < 0 && s.Metric != catalog.TailLag {
						if strings.Contains(s.Metric.Name, "window") || s.Metric.Type == catalog.Counter {
							t.Errorf("%s %v is %v", s.Metric.Name, s.Labels, s.Value)
						}
					}
				}
				if n := total(r.last, catalog.Records, "serial"); n < was {
					t.Errorf("records went from %v to %v", was, n)
				} else {
					was = n
				}
			}
			for range 20 {
				now = now.Add(time.Second)
				step()
			}
			for range 3 { // there, and back, and there again
				now = now.Add(test.jump)
				for range 10 {
					if !test.stop {
						now = now.Add(time.Second)
					}
					step()
				}
				now = now.Add(-test.jump)
			}
			if n := total(r.last, catalog.Records, "serial"); n != float64(written) {
				t.Errorf("%v records, want %d", n, written)
			}
			if n := total(r.last, catalog.TailLines); n != float64(written) {
				t.Errorf("%v lines, want %d", n, written)
			}
			if files := total(r.last, catalog.TailFiles); files != 1 {
				t.Errorf("%v files are followed, want 1", files)
			}
			for _, s := range r.last.Samples {
				if s.Metric == catalog.Alarm && s.Value != 0 {
					t.Errorf("the jump alone raised an alarm: %v", s.Labels)
				}
			}
		})
	}
}

// TestAFullDiskForTheStateIsSaidAndNothingIsCountedTwice is goal 5 on a real file system of one megabyte.
func TestAFullDiskForTheStateIsSaidAndNothingIsCountedTwice(t *testing.T) {
	r := newRig(t, fmt.Sprintf(serialModel, "LOGS"))
	mountTmpfs(t, r.state)
	written := 0
	add := func(n int) {
		var b strings.Builder
		for range n {
			b.WriteString(serialLine(written, time.Now()))
			written++
		}
		r.append("a.jsonl", b.String())
	}
	add(500)
	r.run(500)
	ballast := filepath.Join(r.state, "ballast")
	fill(t, ballast)
	add(500)
	r.run(1000)
	if n := total(r.last, catalog.StateErrors); n == 0 {
		t.Error("the disk is full and plumbline_state_save_errors_total is 0")
	}
	if n := r.records("serial"); n != 1000 {
		t.Errorf("%v records counted on a full disk, want 1000", n)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	add(500)
	r.run(1500) // what was not saved is read again
	r.run(1500)
	if n := r.records("serial"); n != 1500 {
		t.Errorf("%v records, want 1500", n)
	}
}

// fill leaves no byte free.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range []int{64 << 10, 4 << 10, 1} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, block))
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}
