// Package zaplog lets the core packages, which log with log/slog, write to the Collector's zap logger.
//
// A Handler is immutable and safe for concurrent use. It keeps the Collector's level, encoding and sampling; it
// adds nothing of its own, and does not resolve the caller.
package zaplog

import (
	"context"
	"log/slog"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// New wraps a zap logger.
func New(logger *zap.Logger) *slog.Logger {
	return slog.New(&handler{core: logger.Core()})
}

type handler struct {
	core   zapcore.Core
	prefix string // names of the open groups, each with a dot behind it
}

func level(l slog.Level) zapcore.Level {
	switch {
	case l >= slog.LevelError:
		return zapcore.ErrorLevel
	case l >= slog.LevelWarn:
		return zapcore.WarnLevel
	case l >= slog.LevelInfo:
		return zapcore.InfoLevel
	}
	return zapcore.DebugLevel
}

// Enabled implements slog.Handler.
func (h *handler) Enabled(_ context.Context, l slog.Level) bool { return h.core.Enabled(level(l)) }

// Handle implements slog.Handler.
func (h *handler) Handle(_ context.Context, r slog.Record) error {
	entry := zapcore.Entry{Level: level(r.Level), Time: r.Time, Message: r.Message}
	checked := h.core.Check(entry, nil)
	if checked == nil {
		return nil
	}
	fields := make([]zapcore.Field, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		fields = appendFields(fields, h.prefix, a)
		return true
	})
	checked.Write(fields...)
	return nil
}

// WithAttrs implements slog.Handler.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	var fields []zapcore.Field
	for _, a := range attrs {
		fields = appendFields(fields, h.prefix, a)
	}
	return &handler{core: h.core.With(fields), prefix: h.prefix}
}

// WithGroup implements slog.Handler.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return &handler{core: h.core, prefix: h.prefix + name + "."}
}

func appendFields(fields []zapcore.Field, prefix string, a slog.Attr) []zapcore.Field {
	v := a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return fields
	}
	key := prefix + a.Key
	switch v.Kind() {
	case slog.KindGroup:
		if a.Key != "" {
			prefix = key + "."
		}
		for _, g := range v.Group() {
			fields = appendFields(fields, prefix, g)
		}
		return fields
	case slog.KindString:
		return append(fields, zap.String(key, v.String()))
	case slog.KindInt64:
		return append(fields, zap.Int64(key, v.Int64()))
	case slog.KindUint64:
		return append(fields, zap.Uint64(key, v.Uint64()))
	case slog.KindFloat64:
		return append(fields, zap.Float64(key, v.Float64()))
	case slog.KindBool:
		return append(fields, zap.Bool(key, v.Bool()))
	case slog.KindDuration:
		return append(fields, zap.Duration(key, v.Duration()))
	case slog.KindTime:
		return append(fields, zap.String(key, v.Time().Format(time.RFC3339Nano)))
	}
	if err, ok := v.Any().(error); ok {
		return append(fields, zap.String(key, err.Error()))
	}
	return append(fields, zap.Any(key, v.Any()))
}
