package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"
)

// Recipient is one person on the list.
type Recipient struct {
	Email  string         `json:"email"`
	Name   string         `json:"name,omitempty"`
	Fields map[string]any `json:"fields,omitempty"` // all other columns
}

// Rejected is a line of the list that is no recipient.
type Rejected struct {
	Line   int    `json:"line"`
	Email  string `json:"email,omitempty"`
	Reason string `json:"reason"`
}

// List is a list of recipients that has been checked.
type List struct {
	Recipients []Recipient `json:"recipients"`
	Rejected   []Rejected  `json:"rejected,omitempty"`
}

// readList reads a CSV file whose first line names the columns, of which one is
// email. A line that is wrong is rejected; a file that is wrong is an error.
func readList(text string, require []string) (*List, error) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("read the line that names the columns: %w", err)
	}
	columns := map[string]int{}
	for i, name := range header {
		columns[strings.ToLower(strings.TrimSpace(name))] = i
	}
	for _, name := range append([]string{"email"}, require...) {
		if _, ok := columns[name]; !ok {
			return nil, fmt.Errorf("there is no column %q", name)
		}
	}
	list, seen := &List{Recipients: []Recipient{}}, map[string]int{}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		line, _ := r.FieldPos(0)
		recipient, reason := readRecipient(record, columns, require, err)
		key := strings.ToLower(recipient.Email)
		if first := seen[key]; reason == "" && first > 0 {
			reason = fmt.Sprintf("stands in line %d already", first)
		}
		if reason != "" {
			list.Rejected = append(list.Rejected, Rejected{Line: line, Email: recipient.Email, Reason: reason})
			continue
		}
		seen[key] = line
		list.Recipients = append(list.Recipients, recipient)
	}
}

func readRecipient(record []string, columns map[string]int, require []string, err error) (r Recipient, reason string) {
	if err != nil {
		return r, "is no CSV: " + errors.Unwrap(err).Error()
	}
	if i := columns["email"]; i < len(record) {
		r.Email = strings.TrimSpace(record[i])
	}
	if len(record) < len(columns) {
		return r, fmt.Sprintf("has %d columns instead of %d", len(record), len(columns))
	}
	for name, i := range columns {
		value := strings.TrimSpace(record[i])
		switch name {
		case "email":
		case "name":
			r.Name = value
		default:
			if r.Fields == nil {
				r.Fields = map[string]any{}
			}
			r.Fields[name] = value
		}
	}
	if reason := address(r.Email); reason != "" {
		return r, reason
	}
	for _, name := range require {
		if strings.TrimSpace(record[columns[name]]) == "" {
			return r, name + " is empty"
		}
	}
	return r, ""
}

// address says what is wrong with a mail address. Quoted local parts and
// addresses without a domain exist, and never on a list of recipients.
func address(s string) string {
	local, domain, _ := strings.Cut(s, "@")
	switch {
	case s == "":
		return "the address is empty"
	case len(s) > 254 || len(local) > 64:
		return "the address is too long"
	case strings.ContainsAny(s, " \t\"(),:;<>[\\]") || strings.Contains(domain, "@"):
		return "the address has a character that none has"
	case local == "" || strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(s, ".."):
		return "the address has no proper part before the @"
	case !strings.Contains(domain, ".") || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") ||
		strings.HasPrefix(domain, "-") || strings.HasSuffix(domain, "-"):
		return "the address has no proper domain"
	}
	return ""
}

// values are what a template may name.
func (r *Recipient) values(common map[string]any) map[string]any {
	values := make(map[string]any, len(common)+len(r.Fields)+2)
	maps.Copy(values, common)
	maps.Copy(values, r.Fields)
	values["email"], values["name"] = r.Email, r.Name
	return values
}
