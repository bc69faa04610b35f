package worker

import (
	"testing"

	"github.com/windrow-dev/windrow/queue"
	"github.com/windrow-dev/windrow/runtime/host"
)

func TestInputOf(t *testing.T) {
	for name, c := range map[string]struct {
		kind string
		p    queue.Payload
		want string
	}{
		"nothing":          {host.KindCommand, queue.Payload{}, `{"args":[],"kwargs":{}}`},
		"input":            {host.KindCommand, queue.Payload{Input: []byte(`"x"`)}, `"x"`},
		"raw":              {host.KindCommand, queue.Payload{Input: []byte(`"a\nb"`), Raw: true}, "a\nb"},
		"arguments":        {host.KindCommand, queue.Payload{Args: []byte("[1]")}, `{"args":[1],"kwargs":{}}`},
		"reactor, input":   {host.KindReactor, queue.Payload{Input: []byte("2")}, `{"args":[],"kwargs":{},"input":2}`},
		"reactor, raw":     {host.KindReactor, queue.Payload{Input: []byte(`"s"`), Raw: true}, `{"args":[],"kwargs":{},"input":"s"}`},
		"reactor, resumed": {host.KindReactor, queue.Payload{Args: []byte("[1]"), Resume: []byte(`{"state":2}`)}, `{"args":[1],"kwargs":{},"resume":{"state":2}}`},
		"reactor, nothing": {host.KindReactor, queue.Payload{}, `{"args":[],"kwargs":{}}`},
	} {
		got, err := inputOf(c.kind, &c.p)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, c.want)
		}
	}
	if _, err := inputOf(host.KindCommand, &queue.Payload{Input: []byte("1"), Raw: true}); err == nil {
		t.Error("raw took a number")
	}
}

func TestUnfold(t *testing.T) {
	input := queue.Payload{Blob: "sha256:00"}
	if err := unfold(&input, []byte("[5]")); err != nil || string(input.Input) != "[5]" {
		t.Errorf("%+v, %v", input, err)
	}
	both := queue.Payload{Blob: "sha256:00", Args: []byte("[]")}
	if err := unfold(&both, []byte(`{"args":[1],"kwargs":{"k":2}}`)); err != nil || string(both.Args) != "[1]" || string(both.Kwargs) != `{"k":2}` || both.Input != nil {
		t.Errorf("%+v, %v", both, err)
	}
	if err := unfold(&both, []byte("x")); err == nil {
		t.Error("damaged arguments were taken")
	}
}
