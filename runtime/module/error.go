package module

import "fmt"

// The codes of an Error. They are stable: clients compare them.
const (
	CodeEmpty          = "module_empty"               // no bytes at all
	CodeTruncated      = "module_truncated"           // the bytes end before the module does
	CodeNotWasm        = "not_wasm"                   // another kind of file
	CodeComponent      = "module_component"           // a component-model binary
	CodeJavaScriptHost = "module_javascript_host"     // needs a JavaScript host
	CodeNoEntry        = "module_no_entry"            // neither a command nor a reactor
	CodeBadEntry       = "module_bad_entry"           // an entry point of the wrong type
	CodeNoMemory       = "module_no_memory"           // memory is not exported as "memory"
	CodeUnknownImport  = "module_unknown_import"      // an import that no host function answers
	CodeImportType     = "module_import_type"         // a known import with another signature
	CodeTooLarge       = "module_too_large"           // longer than Limits.ModuleBytes
	CodeLimit          = "module_limit"               // any other bound of Limits
	CodeInvalid        = "module_invalid"             // not a well-formed module
	CodeUnsupported    = "module_unsupported_feature" // a proposal beyond Wasm core 2.0
)

// Error says why a module is refused. Message is for the person who uploaded
// it: what is wrong and what to do.
type Error struct {
	Code    string
	Message string
	Offset  int64  // byte of the module where the fault was noticed
	Section string // such as "code"; empty outside any section
	// Function is the index of the function at fault, imports counted, as
	// in a disassembly; -1 where none is.
	Function int
	// FunctionName is that function's name, where the module carries names.
	FunctionName string
}

// Error gives the message with its place.
func (e *Error) Error() string {
	place := fmt.Sprintf("byte %d", e.Offset)
	if e.Section != "" {
		place = e.Section + " section, " + place
	}
	if e.Function >= 0 {
		place = fmt.Sprintf("function %d, %s", e.Function, place)
		if e.FunctionName != "" {
			place = fmt.Sprintf("%q, %s", e.FunctionName, place)
		}
	}
	return e.Code + ": " + e.Message + " (" + place + ")"
}
