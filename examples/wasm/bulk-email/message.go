package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/windrow-dev/windrow/sdk/guest"
)

// Mail is a mail before it has a recipient.
type Mail struct {
	From    string `json:"from,omitempty" windrow:"format=email"`
	Subject string `json:"subject" windrow:"min=1,desc='a template, one line'"`
	Text    string `json:"text" windrow:"min=1,desc=a template for the plain part"`
	HTML    string `json:"html,omitempty" windrow:"desc='a template for the HTML part, whose values are escaped'"`
}

// Message is a mail to one recipient.
type Message struct {
	From    string `json:"from,omitempty"`
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html,omitempty"`
}

// Batch is what becomes of a list of recipients.
type Batch struct {
	Messages []Message  `json:"messages"`
	Skipped  []Rejected `json:"skipped,omitempty"` // no mail for them, and why
}

// letter is a Mail whose templates are read.
type letter struct {
	from                string
	subject, text, html *template
}

// errTemplate is the error type of a template that cannot be read.
const errTemplate = "template_error"

// compile reads the templates. What is wrong with them is wrong in every
// attempt.
func (m *Mail) compile() (*letter, error) {
	l := &letter{from: m.From}
	for _, part := range []struct {
		name, text string
		html       bool
		to         **template
	}{{"subject", m.Subject, false, &l.subject}, {"text", m.Text, false, &l.text}, {"html", m.HTML, true, &l.html}} {
		t, err := parseTemplate(part.text, part.html)
		if err != nil {
			return nil, guest.Fatal(guest.Errorf(errTemplate, "%s: %w", part.name, err))
		}
		*part.to = t
	}
	return l, nil
}

// to writes the mail to one recipient.
func (l *letter) to(r *Recipient, common map[string]any) (m Message, err error) {
	values := r.values(common)
	m = Message{From: l.from, To: r.Email}
	for _, part := range []struct {
		name string
		from *template
		to   *string
	}{{"subject", l.subject, &m.Subject}, {"text", l.text, &m.Text}, {"html", l.html, &m.HTML}} {
		if *part.to, err = part.from.render(values); err != nil {
			return m, fmt.Errorf("%s: %w", part.name, err)
		}
	}
	// A line break in a value would begin another header.
	m.Subject = strings.Join(strings.Fields(m.Subject), " ")
	return m, nil
}

// Summary is what a whole mailing came to.
type Summary struct {
	Messages   int            `json:"messages"`
	Bytes      int            `json:"bytes"` // of text and HTML
	ByDomain   map[string]int `json:"by_domain"`
	Longest    string         `json:"longest_subject"`
	Skipped    []Rejected     `json:"skipped"`
	Duplicates []string       `json:"duplicates"` // addresses that get more than one mail
}

func summarize(batches []Batch) *Summary {
	s := &Summary{ByDomain: map[string]int{}, Skipped: []Rejected{}, Duplicates: []string{}}
	seen := map[string]int{}
	for _, b := range batches {
		s.Skipped = append(s.Skipped, b.Skipped...)
		s.Messages += len(b.Messages)
		for _, m := range b.Messages {
			s.Bytes += len(m.Text) + len(m.HTML)
			_, domain, _ := strings.Cut(m.To, "@")
			s.ByDomain[strings.ToLower(domain)]++
			if utf8.RuneCountInString(m.Subject) > utf8.RuneCountInString(s.Longest) {
				s.Longest = m.Subject
			}
			key := strings.ToLower(m.To)
			if seen[key]++; seen[key] == 2 {
				s.Duplicates = append(s.Duplicates, key)
			}
		}
	}
	return s
}
