package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

const (
	// maxLine bounds what one line may hold in memory. A longer one is cut,
	// and then dropped as too_long.
	maxLine = 16 << 10
	// defaultTop is how many paths and clients the report lists.
	defaultTop = 10
)

// input gives the log's lines one after the other, io.EOF at the end.
type input struct {
	next func() (string, error)
	top  int
}

// options is the JSON form of the input.
type options struct {
	Lines []string `json:"lines"`
	Top   int      `json:"top"`
}

// readInput takes what the call had as its input in any of three forms: the
// text itself (stdin: "raw"), the text as a JSON string, or {"lines": [...]}.
// No line of an access log begins with { or ", so the first byte tells.
func readInput(r io.Reader) (input, error) {
	br := bufio.NewReaderSize(r, maxLine)
	first, err := br.Peek(1)
	if errors.Is(err, io.EOF) {
		return input{}, errors.New("empty input: give the log's text, or {\"lines\": [...]}")
	}
	if err != nil {
		return input{}, fmt.Errorf("read input: %w", err)
	}
	switch first[0] {
	case '{':
		return readObject(br)
	case '"':
		var text string
		if err := json.NewDecoder(br).Decode(&text); err != nil {
			return input{}, fmt.Errorf("read the input as a JSON string: %w", err)
		}
		br = bufio.NewReaderSize(strings.NewReader(text), maxLine)
	}
	return input{next: func() (string, error) { return readLine(br) }, top: defaultTop}, nil
}

func readObject(r io.Reader) (input, error) {
	dec := json.NewDecoder(r)
	dec.DisallowUnknownFields()
	opts := options{Top: defaultTop}
	if err := dec.Decode(&opts); err != nil {
		return input{}, fmt.Errorf("read the input as {\"lines\": [...], \"top\": N}: %w", err)
	}
	if opts.Top < 1 {
		return input{}, fmt.Errorf("top is %d; it must be at least 1", opts.Top)
	}
	lines := opts.Lines
	next := func() (string, error) {
		if len(lines) == 0 {
			return "", io.EOF
		}
		line := lines[0]
		lines = lines[1:]
		return line, nil
	}
	return input{next: next, top: opts.Top}, nil
}

// readLine gives the next line without its end. Of a line longer than the
// reader's buffer it gives a first part that is longer than maxLine-1 and skips
// the rest, so that one monstrous line costs no memory.
func readLine(r *bufio.Reader) (string, error) {
	part, more, err := r.ReadLine()
	if err != nil {
		return "", err
	}
	line := string(part)
	for more && err == nil {
		_, more, err = r.ReadLine()
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	return line, nil
}
