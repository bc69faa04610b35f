package main

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Entry is one request, cleaned.
type Entry struct {
	Client string
	Time   time.Time // UTC
	Method string
	Path   string // without query, numbers and trailing slash
	Status int
	Bytes  int64
	Bot    bool
	Micros int64 // how long the request took
}

// Reasons why a line is dropped, as they stand in the report.
const (
	dropEmpty     = "empty"
	dropTooLong   = "too_long"
	dropTruncated = "truncated" // a field is missing
	dropAddress   = "bad_address"
	dropTime      = "bad_time"
	dropRequest   = "bad_request_line"
	dropStatus    = "bad_status"
	dropBytes     = "bad_bytes"
	dropDuration  = "bad_duration"
)

const logTime = "02/Jan/2006:15:04:05 -0700"

// parseLine reads one line of the combined log format with the request's
// duration in seconds at its end:
//
//	203.0.113.9 - - [24/Nov/2026:09:00:00 +0100] "GET /a?b=c HTTP/1.1" 200 512 "-" "curl/8.5" 0.012
//
// Where it cannot, it gives the reason instead of an entry.
func parseLine(line string) (Entry, string) {
	line = strings.TrimSpace(line)
	switch {
	case line == "":
		return Entry{}, dropEmpty
	case len(line) >= maxLine:
		return Entry{}, dropTooLong
	}
	f, ok := splitFields(line)
	if !ok {
		return Entry{}, dropTruncated
	}
	addr, err := netip.ParseAddr(f.client)
	if err != nil {
		return Entry{}, dropAddress
	}
	at, err := time.Parse(logTime, f.time)
	if err != nil {
		return Entry{}, dropTime
	}
	e := Entry{Client: addr.Unmap().String(), Time: at.UTC(), Bot: isBot(f.agent)}
	if e.Method, e.Path, ok = cleanRequest(f.request); !ok {
		return Entry{}, dropRequest
	}
	if e.Status, err = strconv.Atoi(f.status); err != nil || e.Status < 100 || e.Status > 599 {
		return Entry{}, dropStatus
	}
	if e.Bytes, ok = parseBytes(f.bytes); !ok {
		return Entry{}, dropBytes
	}
	if e.Micros, ok = parseSeconds(f.seconds); !ok {
		return Entry{}, dropDuration
	}
	return e, ""
}

// fields is a line cut into its parts, nothing understood yet.
type fields struct {
	client, time, request, status, bytes, agent, seconds string
}

func splitFields(line string) (fields, bool) {
	var f fields
	head, rest, ok := strings.Cut(line, " [")
	if !ok {
		return f, false
	}
	f.client, _, _ = strings.Cut(head, " ")
	if f.time, rest, ok = strings.Cut(rest, `] "`); !ok {
		return f, false
	}
	if f.request, rest, ok = cutQuoted(rest); !ok {
		return f, false
	}
	if f.status, rest, ok = strings.Cut(strings.TrimPrefix(rest, " "), " "); !ok {
		return f, false
	}
	if f.bytes, rest, ok = strings.Cut(rest, ` "`); !ok {
		return f, false
	}
	if _, rest, ok = cutQuoted(rest); !ok { // the referrer: of no use here
		return f, false
	}
	if f.agent, rest, ok = cutQuoted(strings.TrimPrefix(rest, ` "`)); !ok {
		return f, false
	}
	f.seconds = strings.TrimSpace(rest)
	return f, f.seconds != ""
}

// cutQuoted cuts after the next quote that no backslash escapes.
func cutQuoted(s string) (before, after string, found bool) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}

// cleanRequest makes "GET /orders/81723/?page=2 HTTP/1.1" GET and /orders/:id,
// so that a path's requests count together.
func cleanRequest(request string) (method, path string, ok bool) {
	parts := strings.Split(request, " ")
	if len(parts) != 3 || !strings.HasPrefix(parts[2], "HTTP/") || !strings.HasPrefix(parts[1], "/") {
		return "", "", false
	}
	path, _, _ = strings.Cut(parts[1], "?")
	segments := strings.Split(strings.TrimRight(path, "/"), "/")
	for i, s := range segments {
		if isNumber(s) {
			segments[i] = ":id"
		}
	}
	path = strings.Join(segments, "/")
	if path == "" {
		path = "/"
	}
	return strings.ToUpper(parts[0]), path, true
}

func isNumber(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// parseBytes reads the response's size; "-" is how servers write none.
func parseBytes(s string) (int64, bool) {
	if s == "-" {
		return 0, true
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && n >= 0
}

// parseSeconds reads "0.012" as 12,000 microseconds. It keeps to whole numbers,
// so that every sum is exact.
func parseSeconds(s string) (int64, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	if !isNumber(whole) || len(whole) > 6 || (frac != "" && !isNumber(frac)) {
		return 0, false
	}
	frac = (frac + "000000")[:6]
	seconds, _ := strconv.ParseInt(whole, 10, 64) // digits only, and few: cannot fail
	micros, _ := strconv.ParseInt(frac, 10, 64)
	return seconds*1_000_000 + micros, true
}

// isBot tells crawlers and scripts from people by what they call themselves.
func isBot(agent string) bool {
	agent = strings.ToLower(agent)
	for _, mark := range []string{"bot", "spider", "crawler", "curl/", "python-requests/"} {
		if strings.Contains(agent, mark) {
			return true
		}
	}
	return false
}
