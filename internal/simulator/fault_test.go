package simulator

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"
)

// lines draws n records with a fault in one feature.
func lines(t *testing.T, n int, opts Options, name string, f Fault) []record {
	t.Helper()
	s := New(opts)
	if name != "" {
		if err := s.SetFault(name, f); err != nil {
			t.Fatal(err)
		}
	}
	out := make([]record, n)
	for i := range out {
		// NaN is no JSON, and yet what Python writes.
		if err := json.Unmarshal(bytes.ReplaceAll(s.AppendRecord(nil, noon), []byte(":NaN"), []byte(`:"NaN"`)), &out[i]); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// The sum is that of the bytes before there were faults: documents and golden files depend on them.
func TestWithoutFaultsTheBytesAreWhatTheyAlwaysWere(t *testing.T) {
	s, h := New(Options{Seed: 7}), sha256.New()
	for range 1000 {
		h.Write(s.AppendRecord(nil, noon))
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != wantBytes {
		t.Errorf("the bytes of seed 7 changed: %s", got)
	}
}

func TestAFaultChangesNothingButItsFeature(t *testing.T) {
	const n = 2000
	healthy := lines(t, n, Options{Replicas: 4}, "", Fault{})
	for name, c := range map[string]struct {
		feature string
		fault   Fault
		check   func(i int, was, is any, there bool) bool // whether this record has the fault
		share   float64
	}{
		"null":     {"ent", Fault{Null: .3}, func(_ int, _, is any, there bool) bool { return there && is == nil }, .3},
		"absent":   {"ent", Fault{Absent: .95}, func(_ int, _, _ any, there bool) bool { return !there }, .95},
		"unit":     {"ent", Fault{Factor: 100}, func(_ int, was, is any, _ bool) bool { return math.Abs(is.(float64)/was.(float64)-100) < .1 }, 1},
		"unseen":   {"geo", Fault{Unseen: .2}, func(_ int, _, is any, _ bool) bool { return strings.HasPrefix(is.(string), "new") }, .2},
		"nan":      {"ent", Fault{NaN: .3}, func(_ int, _, is any, _ bool) bool { return is == "NaN" }, .3},
		"unique":   {"geo", Fault{Unique: .2}, func(_ int, _, is any, _ bool) bool { return strings.HasPrefix(is.(string), "x") }, .2},
		"beyond":   {"ent", Fault{Beyond: .1}, func(_ int, _, is any, _ bool) bool { return is.(float64) > 1000 }, .1},
		"frozen":   {"geo", Fault{Frozen: true}, func(_ int, _, is any, _ bool) bool { return is == healthy[0].Features["geo"] }, 1},
		"replica":  {"ent", Fault{Factor: 2, Replica: 2}, func(_ int, was, is any, _ bool) bool { return is != was }, .25},
		"no fault": {"ent", Fault{}, func(_ int, was, is any, _ bool) bool { return is != was }, 0},
	} {
		bad := 0
		for i, r := range lines(t, n, Options{Replicas: 4}, c.feature, c.fault) {
			is, there := r.Features[c.feature]
			if c.check(i, healthy[i].Features[c.feature], is, there) {
				bad++
			}
			for key, was := range healthy[i].Features {
				if key != c.feature && r.Features[key] != was {
					t.Fatalf("%s: %s changed too", name, key)
				}
			}
		}
		if got := float64(bad) / n; math.Abs(got-c.share) > .03 {
			t.Errorf("%s: share of records with the fault is %.3f, want %v", name, got, c.share)
		}
	}
}

func TestAFaultThatMakesNoSenseIsRefused(t *testing.T) {
	s := New(Options{})
	for name, f := range map[string]Fault{"nothing": {Null: 1}, "ent": {Unseen: .1}, "geo": {Factor: 100}} {
		if err := s.SetFault(name, f); err == nil {
			t.Errorf("%s took %+v", name, f)
		}
	}
}

func TestAFeatureTakesTurnsAndSendersHoldTheirValues(t *testing.T) {
	turns := map[any]int{}
	for _, r := range lines(t, 300, Options{}, "ent", Fault{Turns: 3}) {
		turns[r.Features["ent"]]++
	}
	if len(turns) != 3 {
		t.Errorf("%d values take turns, want 3", len(turns))
	}
	held, all := map[string]any{}, map[any]bool{}
	for _, r := range lines(t, 3000, Options{Senders: 40}, "ent", Fault{Held: true}) {
		if v := r.Features["ent"]; held[r.Sender] == nil {
			held[r.Sender] = v
			all[v] = true
		} else if held[r.Sender] != v {
			t.Fatalf("sender %s had %v and has %v", r.Sender, held[r.Sender], v)
		}
	}
	if len(held) != 40 || len(all) < 30 {
		t.Errorf("%d senders with %d values, want 40 with about as many", len(held), len(all))
	}
}

func TestTheTruthIsThatOfTheNewestRecordUnlessPeopleThinkOtherwise(t *testing.T) {
	s, right, spam := New(Options{SpamShare: .5}), 0, 0
	for range 2000 {
		var r record
		if err := json.Unmarshal(s.AppendRecord(nil, noon), &r); err != nil {
			t.Fatal(err)
		}
		serial, truth := s.Truth()
		if serial != s.Serial() {
			t.Fatal("the truth is about another record")
		}
		right += b2i(truth == (r.Prediction.Label == "spam"))
	}
	if right < 1950 {
		t.Errorf("%d of 2000 predictions are right, want nearly all", right)
	}
	s.Turn(1)
	for range 100 {
		s.AppendRecord(nil, noon)
		_, truth := s.Truth()
		spam += b2i(truth)
	}
	var line struct{ TS, ID, Truth string }
	if err := json.Unmarshal(s.AppendTruth(nil, noon, 255, true), &line); err != nil || line.ID != "00000000000000ff" || line.Truth != "spam" || spam > 0 {
		t.Errorf("%d times spam though people think otherwise; the line is %+v, %v", spam, line, err)
	}
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestOneTenantsMailIsCalledSpam(t *testing.T) {
	s := New(Options{SpamShare: 1e-9, Tenants: 4})
	s.OvercallIn(2, 1)
	count, spam := map[string]int{}, map[string]int{}
	for range 4000 {
		var r record
		if err := json.Unmarshal(s.AppendRecord(nil, noon), &r); err != nil {
			t.Fatal(err)
		}
		count[r.Tenant]++
		spam[r.Tenant] += b2i(r.Prediction.Label == "spam")
	}
	if count["t1"] < 1900 || count["t1"] > 2100 || len(count) != 4 {
		t.Errorf("records by tenant: %v", count)
	}
	if spam["t2"] != count["t2"] || spam["t1"]+spam["t3"]+spam["t4"] > 20 {
		t.Errorf("spam by tenant: %v of %v", spam, count)
	}
}

func TestWithheldSpamIsNeverPredicted(t *testing.T) {
	s := New(Options{SpamShare: .5})
	s.WithholdSpam(true)
	for range 2000 {
		if bytes.Contains(s.AppendRecord(nil, noon), []byte(`"label":"spam"`)) {
			t.Fatal("spam was predicted")
		}
	}
}

func TestARateOfZeroIsSilence(t *testing.T) {
	s := New(Options{})
	s.SetRate(0)
	if n := s.Requests(noon, noon.Add(1e12)); n != 0 {
		t.Errorf("%d requests", n)
	}
}

const wantBytes = "bf2b9559f071ef51999ba996391055d34462bba31ebee986f081bbcfda417618"
