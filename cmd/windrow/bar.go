package main

import (
	"encoding/json"
	"strconv"
	"strings"
)

// told is what a guest tells of its progress, as far as it can be drawn.
type told struct {
	Done    *float64 `json:"done"`
	Current *float64 `json:"current"`
	Total   float64  `json:"total"`
	Note    string   `json:"note"`
	Message string   `json:"message"`
	State   string   `json:"state"`
}

const (
	barWidth = 20
	// progressWidth is how much of it stands on a line.
	progressWidth = 79
)

// progressText is progress on one line: a bar where there is a total, words and
// numbers where there are such, else the JSON that it is.
func progressText(raw json.RawMessage) string {
	if len(raw) == 0 {
		return ""
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return short(clean(text), progressWidth)
	}
	var t told
	if json.Unmarshal(raw, &t) != nil {
		return short(clean(string(raw)), progressWidth)
	}
	if t.Done == nil {
		t.Done = t.Current
	}
	var parts []string
	if t.Done != nil && t.Total > 0 {
		share := min(max(*t.Done/t.Total, 0), 1)
		full := int(share * barWidth)
		parts = append(parts, strings.Repeat("█", full)+strings.Repeat("░", barWidth-full), strconv.Itoa(int(100*share))+" %", number(*t.Done)+"/"+number(t.Total))
	} else if t.Done != nil {
		parts = append(parts, number(*t.Done))
	}
	for _, s := range []string{t.State, t.Note, t.Message} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if len(parts) == 0 {
		parts = append(parts, string(raw))
	}
	return short(clean(strings.Join(parts, "  ")), progressWidth)
}

func number(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }
