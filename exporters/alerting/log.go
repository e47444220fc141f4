package alerting

import (
	"context"
	"log/slog"

	"github.com/plumbline-ml/plumbline/exporters/destination"
)

// logNotifier is the built-in destination: one log line per notification.
type logNotifier struct{ log *slog.Logger }

func (l logNotifier) Name() string { return "log" }

func (l logNotifier) Send(_ context.Context, n Notification) (RetryAdvice, error) {
	level := slog.LevelWarn
	if n.Action == destination.Resolve {
		level = slog.LevelInfo
	}
	l.log.Log(context.Background(), level, n.Summary(), "action", string(n.Action), "severity", n.Severity(),
		"model", n.Common("model"), "cause", n.Common("cause"), "node", n.Node, "alerts", len(n.Firing()), "dedup_key", n.Key)
	return RetryAdvice{}, nil
}
