package guest

import (
	"log/slog"
	"time"
)

// newLogger writes records as lines of text, one call of the host each.
func newLogger(h Host, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(logWriter{h}, &slog.HandlerOptions{Level: level, ReplaceAttr: utc}))
}

// utc writes a record's time as all other times of Windrow are.
func utc(groups []string, a slog.Attr) slog.Attr {
	if len(groups) == 0 && a.Key == slog.TimeKey && a.Value.Kind() == slog.KindTime {
		return slog.String(a.Key, a.Value.Time().UTC().Format(time.RFC3339Nano))
	}
	return a
}

// logWriter is the attempt's log.
type logWriter struct{ h Host }

// Write implements io.Writer. A log that takes no more is no reason to fail.
func (w logWriter) Write(p []byte) (int, error) {
	_, _ = w.h.Call(OpLog, p)
	return len(p), nil
}
