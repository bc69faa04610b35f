package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	windrow "github.com/windrow-dev/windrow/sdk"
)

// watched shows on a terminal, or a file, what a task says while it runs: its
// log, and on the last line of a terminal how far it is.
type watched struct {
	out      io.Writer
	terminal bool
	log      bool   // show the log, too
	line     string // the progress that stands there
	begun    bool   // the log's last line has no end yet
}

// show takes one piece of news.
func (w *watched) show(n *windrow.News) error {
	switch {
	case n.Type == windrow.NewsLog && w.log:
		return w.text(n.Text)
	case n.Type == windrow.NewsProgress && w.terminal:
		return w.progress(n.Progress)
	}
	return nil
}

func (w *watched) progress(raw []byte) error {
	w.line = progressText(raw)
	above := "\r\x1b[K"
	if w.begun {
		above, w.begun = "\n", false
	}
	_, err := io.WriteString(w.out, above+w.line)
	return err
}

// text writes a part of the log above the progress.
func (w *watched) text(text string) error {
	if w.terminal {
		text = cleanLines(text)
	}
	if w.line == "" {
		w.begun = text != "" && text[len(text)-1] != '\n'
		_, err := io.WriteString(w.out, text)
		return err
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text += "\n" // the progress comes below
	}
	_, err := fmt.Fprintf(w.out, "\r\x1b[K%s%s", text, w.line)
	return err
}

// clear takes the progress away.
func (w *watched) clear() {
	if w.line != "" {
		fmt.Fprint(w.out, "\r\x1b[K")
		w.line = ""
	}
}

// follow shows a task until it has ended. What interrupts it is told once, and
// it goes on where it was.
func (w *watched) follow(ctx context.Context, c *windrow.Client, id string, options windrow.LogOptions, errs io.Writer) error {
	defer w.clear()
	lost := false
	for n, err := range c.Follow(ctx, id, options) {
		var cut *windrow.InterruptedError
		switch {
		case errors.As(err, &cut):
			if !lost {
				w.clear()
				fmt.Fprintln(errs, "windrow: "+clean(cut.Error())+"; trying again")
			}
			lost = true
			continue
		case err != nil:
			return err
		}
		lost = false
		if err := w.show(&n); err != nil {
			return err
		}
	}
	return nil
}

// watch shows on stderr what a task says until the function it gives is called,
// and what was said by then has come.
func (a *app) watch(ctx context.Context, c *windrow.Client, id string, logs bool) (finish func()) {
	terminal := isTerminal(a.errs)
	if !logs && !terminal {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	w := &watched{out: a.errs, terminal: terminal, log: logs}
	var work sync.WaitGroup
	work.Go(func() {
		err := w.follow(ctx, c, id, windrow.LogOptions{}, a.errs)
		if err != nil && ctx.Err() == nil {
			fmt.Fprintln(a.errs, "windrow: the log ends here: "+clean(err.Error()))
		}
	})
	return func() { a.settle(&work, cancel) }
}
