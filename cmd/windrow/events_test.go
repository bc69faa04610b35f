package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// eventServer streams two events a connection and breaks off.
func eventServer(t *testing.T) (asked *[]string) {
	t.Helper()
	asked = &[]string{}
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*asked = append(*asked, r.URL.RawQuery)
		for range 2 {
			n++
			fmt.Fprintf(w, "id: 9-%d\nevent: task.failure\ndata: {\"id\":\"9-%d\",\"type\":\"task.failure\",\"time\":\"2026-11-24T12:00:00Z\","+
				"\"task_id\":\"%s\",\"task\":\"a.\\u001b[31mb\",\"queue\":\"default\",\"state\":\"failure\",\"attempt\":%d,\"error\":\"trap\"}\n\n", n, n, idA, n)
		}
		if n == 4 {
			fmt.Fprint(w, "id: 12-0\nevent: reset\ndata: {}\n\n")
		}
	}))
	t.Cleanup(s.Close)
	t.Setenv("WINDROW_SERVER", s.URL)
	return asked
}

func TestEvents(t *testing.T) {
	asked := eventServer(t)
	invoke(t, "", "events", "--limit", "5", "--task", "a", "--type", "task.failure", "--queue", "default").golden(t, "events")
	if len(*asked) != 2 || !strings.Contains((*asked)[1], "after=9-2") || !strings.Contains((*asked)[0], "task=a.main") {
		t.Errorf("asked %q", *asked)
	}
	eventServer(t)
	invoke(t, "", "events", "--limit", "1", "-o", "json").golden(t, "events-json")
	invoke(t, "", "events", "--limit", "-1").want(t, exitUsage)
}

func TestEventsInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() }))
	t.Cleanup(s.Close)
	t.Setenv("WINDROW_SERVER", s.URL)
	invokeWith(ctx, "", "events").want(t, exitInterrupted)
}
