package monitor

import (
	"fmt"
	"testing"
	"time"
)

func TestAFieldThatComesUpLaterIsToldAndOneThatWasThereIsNot(t *testing.T) {
	h := newHarness(t, mustModel(t, "model: m\nlogs: {include: /l, format: json}\nfields: {timestamp: ts}\nfeatures: [f.*]\nreference: {learn: 500 records}\n"))
	for i := range 1000 {
		more := ""
		if i >= 800 {
			more = `,"new":1`
		}
		h.line(fmt.Appendf(nil, `{"ts":%q,"f":{"x":%d%s}}`, start.Add(time.Duration(i)*time.Second).Format(time.RFC3339), i%7, more), time.Time{})
	}
	s := h.collect()
	if v, want := value(t, s, "plumbline_feature_appeared_timestamp_seconds|m|f.new"), float64(start.Add(819*time.Second).Unix()); v != want {
		t.Errorf("at %v, want %v", v, want)
	}
	if _, there := s["plumbline_feature_appeared_timestamp_seconds|m|f.x"]; there {
		t.Error("x was there from the beginning")
	}
}
