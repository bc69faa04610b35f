// Package wire is what travels between a client and a Windrow node: the JSON
// bodies of the HTTP API, the headers it uses, and how durations, sizes, rates
// and times are written. Client and server share it, so that neither can
// drift from the other. It imports the standard library alone and performs no
// input or output.
//
// Every decoding error of a value that a user wrote names the field at fault
// and says what would have been right; see FieldError.
package wire
