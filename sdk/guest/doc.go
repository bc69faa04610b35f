// Package guest is for writing task modules in Go: a handler for each task,
// with typed input and output, built by the plain Go toolchain into one Wasm
// module.
//
//	package main
//
//	import "github.com/windrow-dev/windrow/sdk/guest"
//
//	type Greeting struct {
//		Name  string `json:"name" windrow:"min=1,desc=whom to greet"`
//		Times int    `json:"times" windrow:"default=1,min=1,max=9"`
//	}
//
//	var _ = guest.Handle("greet", func(ctx *guest.Context, in Greeting) (string, error) {
//		ctx.Log.Info("greeting", "name", in.Name)
//		return strings.Repeat("Hello, "+in.Name+"! ", in.Times), nil
//	}, guest.Timeout(10*time.Second))
//
//	func main() { guest.Main() }
//
// It is built with
//
//	GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -o hello.wasm .
//
// and uploaded as any module is. Handlers are registered by package variables
// or in init functions, which run in every attempt before the task: main does
// not. Without Wasm the same package is an ordinary program, so that tasks run
// in unit tests (package guesttest) and from a shell: go run . greet '{"name":
// "you"}'.
//
// # Input
//
// A handler has one input. It is read from, in this order,
//
//   - the call's input, where it has one,
//   - its kwargs as an object and its args, where fields of the input's struct
//     are tagged `windrow:"arg=0"`, `windrow:"arg=1"` … and so say which
//     argument is which,
//   - its kwargs alone, where it has no args,
//   - its single argument, where it has no kwargs: what comes down a chain,
//   - nothing, where it has neither: {} for a struct or a map, else null.
//
// Anything else fails as invalid_arguments, which is never retried. So does an
// input that its schema, derived from the type, does not allow; the node has
// checked the same when the task was submitted. What comes from a parent task
// could not be checked then: properties that the struct does not know are no
// fault in it.
//
// # Schemas
//
// The JSON Schema of the input follows encoding/json: names, embedded structs,
// omitempty. A field is required unless it is a pointer, has omitempty or
// omitzero, or a default. The tag windrow says more, its items separated by
// commas; a value that holds a comma stands between single quotes:
//
//	desc=TEXT, title=TEXT   for people
//	min=N, max=N            value of a number, length of a string, list or map
//	gt=N, lt=N              bounds that do not belong to what is allowed
//	enum=a|b|c              the values allowed; or an Enum() []string method
//	pattern=REGEXP          of a string; checked at submission, not in the guest
//	format=NAME             of a string: email, uri …; time.Time has date-time
//	unique                  a list has no element twice
//	items.KEY=VALUE         the same for the elements of a list or a map
//	default=VALUE           taken where the field is missing
//	example=VALUE           for people
//	arg=N                   the positional argument N
//	required, optional      in place of what the type says
//
// A default of a string stands without quotes, any other as JSON. It is put in
// wherever the field is missing in an object that is there; a struct that is
// missing as a whole needs default={} for that. A type with
// a WindrowSchema method tells its schema itself. What cannot be a schema or a
// task, such as a channel in the input, is an error that refuses the upload and
// fails every test by package guesttest.
//
// # Ends
//
// A handler's error fails the attempt. The call's retry policy decides about
// another one, unless the error says so itself: [Fatal], [Retry]. [Errorf]
// gives it a type, by which policies and callers tell errors apart. A panic is
// an error of type panic; its stack is in the trace and in the log. A panic in
// another goroutine than the handler's, or a deadlock, ends the attempt as a
// trap, with Go's words in the log. A handler that returns its Context's error
// after the soft time limit ends as soft_timeout.
//
// # Children
//
// A task runs others by [Context.Spawn] and never waits for them inside: it
// returns [Await], holds nothing while it waits, and is called anew with their
// results; or it returns [Replace] and leaves its place to them. What must live
// from one call to the next is the state that Await is given.
//
//	func total(ctx *guest.Context, in Order) (int, error) {
//		if r := ctx.Resume(); r != nil {
//			prices, err := guest.ResultOf[[]int](r.Runs[0])
//			return sum(prices), err
//		}
//		run, err := ctx.Spawn(canvas.Map(canvas.S(".price"), in.Items))
//		if err != nil {
//			return 0, err
//		}
//		return 0, guest.Await(nil, guest.Runs(run))
//	}
package guest
