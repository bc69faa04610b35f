// Command bulk-email is a task module that makes personal mails of a template
// and a list of recipients: it checks the list, renders mails a batch at a time,
// and sums up. It shows the Go SDK: typed tasks, positional arguments, defaults,
// progress, errors that say whether another attempt is any use.
package main

import (
	"time"

	"github.com/windrow-dev/windrow/sdk/guest"
)

// ValidateInput is a list as it comes from a spreadsheet.
type ValidateInput struct {
	CSV     string   `json:"csv" windrow:"arg=0,min=1,desc='the list, its first line naming the columns, one of them email'"`
	Require []string `json:"require,omitempty" windrow:"unique,desc=columns that may not be empty"`
}

var _ = guest.Handle("validate_recipients", func(ctx *guest.Context, in ValidateInput) (*List, error) {
	list, err := readList(in.CSV, in.Require)
	if err != nil {
		return nil, guest.Fatal(guest.Errorf("unreadable_list", "%w", err))
	}
	ctx.Log.Info("checked the list", "recipients", len(list.Recipients), "rejected", len(list.Rejected))
	return list, nil
}, guest.Description("checks a CSV list of recipients"), guest.Timeout(time.Minute))

// RenderInput is a mail and those who get it. Down a chain the list is what
// validate_recipients gave, and the mail stands in kwargs.
type RenderInput struct {
	List   List           `json:"list" windrow:"arg=0"`
	Mail   Mail           `json:"mail"`
	Values map[string]any `json:"values,omitempty" windrow:"desc=what the templates may name beside a recipient's columns"`
}

// progressEvery is how many mails pass between two reports.
const progressEvery = 50

var _ = guest.Handle("render_batch", func(ctx *guest.Context, in RenderInput) (*Batch, error) {
	letter, err := in.Mail.compile()
	if err != nil {
		return nil, err
	}
	batch := &Batch{Messages: make([]Message, 0, len(in.List.Recipients)), Skipped: in.List.Rejected}
	for i := range in.List.Recipients {
		r := &in.List.Recipients[i]
		if i%progressEvery == 0 {
			if err := ctx.Progress(guest.Steps{Done: i, Total: len(in.List.Recipients)}); err != nil {
				return nil, err
			}
		}
		m, err := letter.to(r, in.Values)
		if err != nil {
			batch.Skipped = append(batch.Skipped, Rejected{Email: r.Email, Reason: err.Error()})
			continue
		}
		batch.Messages = append(batch.Messages, m)
	}
	ctx.Log.Info("rendered", "messages", len(batch.Messages), "skipped", len(batch.Skipped))
	return batch, nil
}, guest.Description("renders a mail for each recipient of a list"),
	guest.Queue("mail"), guest.Timeout(2*time.Minute), guest.SoftTimeout(100*time.Second),
	guest.Policy{Max: 2, Backoff: time.Second, NotOn: []string{errTemplate}})

// SummaryInput are the results of any number of render_batch.
type SummaryInput struct {
	Batches []Batch `json:"batches" windrow:"arg=0"`
}

var _ = guest.Handle("summary", func(ctx *guest.Context, in SummaryInput) (*Summary, error) {
	s := summarize(in.Batches)
	if len(s.Duplicates) > 0 {
		ctx.Log.Warn("some get more than one mail", "addresses", len(s.Duplicates))
	}
	ctx.Log.Info("summed up", "batches", len(in.Batches), "messages", s.Messages)
	return s, nil
}, guest.Description("sums up what render_batch has made"))

func main() { guest.Main() }
