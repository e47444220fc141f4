package zaplog

import (
	"errors"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

func TestRecordsKeepLevelTextAndFields(t *testing.T) {
	core, seen := observer.New(zap.InfoLevel)
	log := New(zap.New(core)).With("a", 1).WithGroup("g").With("b", "two")
	log.Debug("not this one")
	log.Warn("text", "err", errors.New("why"), "d", time.Second, slog.Group("in", "n", 2.5))

	entries := seen.All()
	if len(entries) != 1 {
		t.Fatalf("got %d entries, want 1: the level of the Collector holds", len(entries))
	}
	if e := entries[0]; e.Message != "text" || e.Level != zap.WarnLevel || e.Time.IsZero() {
		t.Errorf("entry = %+v", e.Entry)
	}
	got := entries[0].ContextMap()
	for k, want := range map[string]any{"a": int64(1), "g.b": "two", "g.err": "why", "g.d": time.Second, "g.in.n": 2.5} {
		if got[k] != want {
			t.Errorf("%s = %v, want %v (all: %v)", k, got[k], want, got)
		}
	}
}
