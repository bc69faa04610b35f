package guest

import "os"

// Main is a module's main function. It is never called in a module that was
// built with -buildmode=c-shared, as all are to be.
func Main() {
	_, _ = os.Stderr.WriteString("this module was built without -buildmode=c-shared, so its tasks cannot be called; build it with GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared\n")
	os.Exit(2)
}
