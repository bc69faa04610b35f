package guest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"sync"

	"github.com/windrow-dev/windrow/sdk/guest/schema"
)

// Task is a task of this module, as [Handle] made it.
type Task[In, Out any] struct {
	name    string
	fn      func(*Context, In) (Out, error)
	options settings
	schema  func() (*schema.Schema, error)
}

// None is the output of a task that has no result: null.
type None struct{}

// Handle makes a task of the module from a function. It is called by a package
// variable or in an init function. A wrong name, type or option is told when
// the module is uploaded and in tests, not here.
func Handle[In, Out any](name string, fn func(*Context, In) (Out, error), options ...Option) *Task[In, Out] {
	t := &Task[In, Out]{name: name, fn: fn}
	for _, o := range options {
		o.apply(&t.options)
	}
	// Deriving takes longer than a small task: only who needs it does it.
	t.schema = sync.OnceValues(func() (*schema.Schema, error) {
		return schema.Of(reflect.TypeFor[In](), schema.Options{Open: t.options.open})
	})
	tasks = append(tasks, t)
	return t
}

// Name is the task's name within its module.
func (t *Task[In, Out]) Name() string { return t.name }

// Params is the schema of the task's input.
func (t *Task[In, Out]) Params() (*schema.Schema, error) { return t.schema() }

// Call runs the handler as a function, without checks or recovery.
func (t *Task[In, Out]) Call(ctx *Context, in In) (Out, error) { return t.fn(ctx, in) }

// handler is a task whose types are not known.
type handler interface {
	Name() string
	Params() (*schema.Schema, error)
	settings() *settings
	invoke(ctx *Context) ([]byte, error)
}

// tasks are those of this module, in the order in which they were registered.
var tasks []handler

func find(name string) handler {
	for _, t := range tasks {
		if t.Name() == name {
			return t
		}
	}
	return nil
}

func (t *Task[In, Out]) settings() *settings { return &t.options }

// invoke reads the input, runs the handler and writes its output; nil is null.
func (t *Task[In, Out]) invoke(ctx *Context) ([]byte, error) {
	var in In
	if err := t.read(ctx.Call, &in); err != nil {
		return nil, err
	}
	out, err := t.fn(ctx, in)
	if err != nil {
		return nil, err
	}
	if _, none := any(out).(None); none {
		return nil, nil
	}
	text, err := encode(out)
	if err != nil {
		return nil, Fatal(Errorf(TypeInvalidResult, "the task's output: %w", err))
	}
	return text, nil
}

// Validator is an input that checks more than a schema can say.
type Validator interface{ Validate() error }

// read finds the input in the call, checks it and decodes it.
func (t *Task[In, Out]) read(call *Call, in *In) error {
	s, err := t.schema()
	if err != nil {
		return Fatal(Errorf("invalid_task", "task %s: %w", t.name, err))
	}
	text, err := arguments(call, s)
	if err != nil {
		return invalid(err)
	}
	if faults := s.CheckValue(text, call.strict); len(faults) > 0 { // the envelope is JSON, so its parts are
		return invalid(join(faults))
	}
	if err := json.Unmarshal(s.Fill(text), in); err != nil {
		return invalid(err)
	}
	if v, ok := any(in).(Validator); ok {
		if err := v.Validate(); err != nil {
			return invalid(err)
		}
	}
	return nil
}

func invalid(err error) error { return Fatal(&Error{Type: TypeArguments, Err: err}) }

// join makes one error of all faults.
func join(faults []schema.Fault) error {
	var b bytes.Buffer
	for i, f := range faults {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(f.Error())
	}
	return fmt.Errorf("%s", b.Bytes())
}

// encode is json.Marshal that leaves <, > and & as they are: a result is no
// HTML, and who reads it wants what was written.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
