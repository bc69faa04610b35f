package wire

import "encoding/json"

// News is a piece of what a task that is followed says, as the data of a
// server-sent event of GET /v1/tasks/{id}/logs?follow=true. The event's name
// says which of the fields there are, its id is the place after it.
type News struct {
	Attempt  uint32          `json:"attempt,omitempty"`
	Text     string          `json:"text,omitempty"`     // "log": a piece of its log
	Progress json.RawMessage `json:"progress,omitempty"` // "progress": the newest, as the guest told it
	State    string          `json:"state,omitempty"`    // "end": how the task ended
}

// Names of such events.
const (
	NewsLog      = "log"
	NewsProgress = "progress"
	NewsEnd      = "end" // the last one
)
