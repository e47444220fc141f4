package inferenceconnector

import (
	"context"
	"time"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
)

// logs is the side that takes log records.
type logs struct{ core *core }

func (l *logs) Start(_ context.Context, host component.Host) error { return l.core.start(host) }
func (l *logs) Shutdown(ctx context.Context) error                 { return l.core.shutdown(ctx) }

// Capabilities implements consumer.Logs: records are read, not changed.
func (l *logs) Capabilities() consumer.Capabilities { return consumer.Capabilities{} }

// ConsumeLogs implements consumer.Logs. A record that cannot be read is counted; it is never an error of the batch,
// because sending it again would not help.
func (l *logs) ConsumeLogs(_ context.Context, in plog.Logs) error {
	c := l.core
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, rl := range in.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			outer := modelOf(c.config.ModelAttribute, sl.Scope().Attributes(), rl.Resource().Attributes())
			for _, r := range sl.LogRecords().All() {
				c.record(r, outer, now)
			}
		}
	}
	return nil
}

// modelOf looks for the attribute in the inner map first.
func modelOf(attribute string, maps ...pcommon.Map) string {
	for _, m := range maps {
		if v, ok := m.Get(attribute); ok {
			return v.AsString()
		}
	}
	return ""
}

func (c *core) record(r plog.LogRecord, outer string, now time.Time) {
	name := modelOf(c.config.ModelAttribute, r.Attributes())
	if name == "" {
		name = outer
	}
	f := c.feedOf(name)
	if f == nil {
		c.counts.Errors[reasonNoModel]++
		return
	}
	text, ok := c.textOf(r)
	if !ok {
		c.counts.Errors[reasonShape]++
		return
	}
	at := r.Timestamp()
	if at == 0 {
		at = r.ObservedTimestamp()
	}
	c.observe(f, text, int64(at), now)
}

// textOf is the inference record as text in the model's format. A map becomes JSON.
func (c *core) textOf(r plog.LogRecord) ([]byte, bool) {
	if c.config.Record == "attributes" {
		v := pcommon.NewValueMap()
		r.Attributes().CopyTo(v.Map())
		return []byte(v.AsString()), true
	}
	switch body := r.Body(); body.Type() {
	case pcommon.ValueTypeMap:
		return []byte(body.AsString()), true
	case pcommon.ValueTypeStr:
		return []byte(body.Str()), true
	case pcommon.ValueTypeBytes:
		return body.Bytes().AsRaw(), true
	}
	return nil, false
}
