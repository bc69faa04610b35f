package main

import (
	"fmt"
	"html"
	"strings"
)

// A template is text with Mustache's tags: {{name}} is a value, escaped where
// the template is HTML; {{{name}}} is a value as it is; {{#name}} … {{/name}}
// stands where the value is true or not empty, once for each item where it is a
// list; {{^name}} … {{/name}} stands where it is not. A dotted name goes into
// objects; {{.}} is the item itself. html/template does far more, for 3 MB of
// module.
type template struct {
	nodes []node
	html  bool
}

// node is a piece of text, a value or a section.
type node struct {
	text     string
	kind     byte // 0 text, '=' escaped value, '&' value as it is, '#' section, '^' inverted section
	name     string
	children []node
}

// parseTemplate reads a template. Errors name the line.
func parseTemplate(text string, isHTML bool) (*template, error) {
	p := parser{rest: text}
	nodes, err := p.nodes("")
	if err != nil {
		line := 1 + strings.Count(text[:len(text)-len(p.rest)], "\n")
		return nil, fmt.Errorf("line %d: %w", line, err)
	}
	return &template{nodes: nodes, html: isHTML}, nil
}

// parser reads a template; rest is what lies behind the last tag.
type parser struct{ rest string }

// nodes reads up to the end of the section, or of the text where section is "".
func (p *parser) nodes(section string) ([]node, error) {
	var all []node
	for {
		text, rest, found := strings.Cut(p.rest, "{{")
		if found {
			text, rest = alone(text, rest)
		}
		if text != "" {
			all = append(all, node{text: text})
		}
		if !found {
			if section != "" {
				return nil, fmt.Errorf("{{#%s}} is never closed", section)
			}
			return all, nil
		}
		n, err := p.tag(rest)
		switch {
		case err != nil:
			return nil, err
		case n.kind == '/' && n.name != section:
			return nil, fmt.Errorf("{{/%s}} closes nothing that is open", n.name)
		case n.kind == '/':
			return all, nil
		case n.kind == '#' || n.kind == '^':
			if n.children, err = p.nodes(n.name); err != nil {
				return nil, err
			}
		}
		all = append(all, n)
	}
}

// alone takes a line out that holds nothing but the beginning or the end of a
// section: the spaces before the tag and the line's end behind it.
func alone(before, tag string) (string, string) {
	if tag == "" || strings.IndexByte("#^/", tag[0]) < 0 {
		return before, tag
	}
	start := strings.LastIndexByte(before, '\n') + 1
	inner, after, _ := strings.Cut(tag, "}}")
	behind, next, ends := strings.Cut(after, "\n")
	if !ends || strings.TrimSpace(before[start:]) != "" || strings.TrimSpace(behind) != "" {
		return before, tag
	}
	return before[:start], inner + "}}" + next
}

// tag reads a tag behind its {{.
func (p *parser) tag(rest string) (node, error) {
	n, end := node{kind: '='}, "}}"
	if strings.HasPrefix(rest, "{") {
		n.kind, rest, end = '&', rest[1:], "}}}"
	} else if rest != "" && strings.IndexByte("#^/&", rest[0]) >= 0 {
		n.kind, rest = rest[0], rest[1:]
	}
	name, rest, closed := strings.Cut(rest, end)
	n.name, p.rest = strings.TrimSpace(name), rest
	if !closed || n.name == "" || strings.ContainsAny(n.name, "{} \n") {
		return n, fmt.Errorf("{{ is not followed by a name and %s", end)
	}
	return n, nil
}

// render fills in the template for one recipient. A value that is missing is
// an error: better no mail than one to "Dear ,".
func (t *template) render(values map[string]any) (string, error) {
	var b strings.Builder
	err := t.write(&b, t.nodes, []any{values})
	return b.String(), err
}

// write appends nodes. The innermost scope comes last.
func (t *template) write(b *strings.Builder, nodes []node, scopes []any) error {
	for i := range nodes {
		n := &nodes[i]
		value, ok := lookup(scopes, n.name)
		switch n.kind {
		case 0:
			b.WriteString(n.text)
		case '^':
			if !truthy(value) {
				if err := t.write(b, n.children, scopes); err != nil {
					return err
				}
			}
		case '#':
			if err := t.section(b, n, value, scopes); err != nil {
				return err
			}
		default:
			if !ok || value == nil {
				return fmt.Errorf("%s is missing", n.name)
			}
			text := fmt.Sprint(value)
			if t.html && n.kind == '=' {
				text = html.EscapeString(text)
			}
			b.WriteString(text)
		}
	}
	return nil
}

func (t *template) section(b *strings.Builder, n *node, value any, scopes []any) error {
	if !truthy(value) {
		return nil
	}
	items, isList := value.([]any)
	if !isList {
		items = []any{value}
	}
	for _, item := range items {
		if err := t.write(b, n.children, append(scopes, item)); err != nil {
			return err
		}
	}
	return nil
}

// lookup finds a name in the innermost scope that has it.
func lookup(scopes []any, name string) (any, bool) {
	if name == "." {
		return scopes[len(scopes)-1], true
	}
	first, rest, dotted := strings.Cut(name, ".")
	for i := len(scopes) - 1; i >= 0; i-- {
		object, _ := scopes[i].(map[string]any)
		value, ok := object[first]
		if ok && dotted {
			return lookup([]any{value}, rest)
		}
		if ok {
			return value, true
		}
	}
	return nil, false
}

func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case float64:
		return v != 0
	}
	return true
}
