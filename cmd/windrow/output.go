package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
)

// printJSON prints one value: on a line of its own for programs, indented for
// people.
func (a *app) printJSON(v any) error {
	b, err := a.encode(v)
	if err != nil {
		return err
	}
	_, err = a.out.Write(append(b, '\n'))
	return err
}

func (a *app) encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if a.terminal {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode the output: %w", err)
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// show prints one thing, as JSON or by its properties.
func (a *app) show(v any, properties func(*fields)) error {
	if a.json() {
		return a.printJSON(v)
	}
	f := &fields{}
	properties(f)
	return f.write(a.out)
}

// say prints a sentence about a thing that was changed; programs get the thing.
func (a *app) say(v any, format string, args ...any) error {
	if a.json() {
		return a.printJSON(v)
	}
	_, err := fmt.Fprintln(a.out, clean(fmt.Sprintf(format, args...)))
	return err
}

// showList prints a list, up to limit entries, 0 being all: as one JSON array
// with an entry a line, or as a table.
func showList[T any](a *app, items iter.Seq2[T, error], limit int, t *table, row func(T) []string) error {
	if a.json() {
		return writeArray(a, items, limit)
	}
	shown := 0
	for item, err := range items {
		if err != nil {
			return err
		}
		if limit > 0 && shown == limit {
			fmt.Fprintf(a.errs, "More than %d; --limit 0 shows all.\n", limit)
			break
		}
		t.row(row(item)...)
		shown++
	}
	return t.write(a.out, a.terminal)
}

func writeArray[T any](a *app, items iter.Seq2[T, error], limit int) error {
	separator := "[\n"
	n := 0
	for item, err := range items {
		if err != nil {
			return err
		}
		b, err := a.encode(item)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(a.out, "%s%s", separator, b); err != nil {
			return err
		}
		separator = ",\n"
		if n++; n == limit {
			break
		}
	}
	end := "\n]\n"
	if n == 0 {
		end = "[]\n"
	}
	_, err := io.WriteString(a.out, end)
	return err
}

// copyText copies a guest's text, which must not steer a terminal. It hands on
// what has come before it waits for more.
func copyText(w io.Writer, r io.Reader, terminal bool) error {
	if !terminal {
		_, err := io.Copy(w, r)
		return err
	}
	in := bufio.NewReaderSize(r, 32<<10)
	var text []rune
	for {
		c, _, err := in.ReadRune()
		if err == nil {
			text = append(text, c)
		}
		if err != nil || in.Buffered() == 0 {
			if _, werr := io.WriteString(w, cleanLines(string(text))); werr != nil {
				return werr
			}
			text = text[:0]
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
