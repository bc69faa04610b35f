package wire

import (
	"errors"
	"strings"
	"testing"
)

func names(t *testing.T, body string) (string, error) {
	t.Helper()
	var list []string
	err := EachCall([]byte(body), func(c *Call) error {
		list = append(list, c.Task)
		return nil
	})
	return strings.Join(list, " "), err
}

func TestEachCall(t *testing.T) {
	for body, want := range map[string]string{
		``:                                       "",
		"\n":                                     "",
		`[]`:                                     "",
		`[{"task":"a.a"} , {"task":"b.b"}]`:      "a.a b.b",
		"{\"task\":\"a.a\"}\n{\"task\":\"b.b\"}": "a.a b.b",
		"{\"task\":\"a.a\"}\r\n\n{\"task\":\"b\"}": "a.a b",
	} {
		if got, err := names(t, body); err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", body, got, err, want)
		}
	}
}

func TestEachCallRefusals(t *testing.T) {
	for body, line := range map[string]int{
		`[{"task":"a.a"},]`:                     2,
		`[{"task":"a.a"}`:                       2,
		"{\"task\":\"a.a\"}\n{\"tsk\":1}":       2,
		"{\"task\":\"a.a\"}\n{\"task\":\"b.b\"": 2,
		"{}\n{}\nnull":                          3,
		`[{},{},{"priority":11}]`:               3,
	} {
		_, err := names(t, body)
		var l *LineError
		if !errors.As(err, &l) || l.Line != line {
			t.Errorf("%q: got %v, want line %d", body, err, line)
		}
	}
	for _, body := range []string{`[] []`, "[]\n{}", "{\"task\":\"\xff\"}"} {
		if _, err := names(t, body); err == nil {
			t.Errorf("%q: was accepted", body)
		}
	}
}
