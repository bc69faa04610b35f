package windrow

import (
	"embed"
	"io/fs"
)

// The source of package guest, for tools that begin a new module project. It
// is embedded here since a file can be embedded only by a folder above it, and
// is linked only into programs that ask for it.
//
//go:embed go.mod canvas guest wire
var guestSource embed.FS

// GuestSource is this Go module as far as package guest needs it: its go.mod
// and the folders guest, canvas and wire, so that a module project can be built without a
// registry. Tests are in it too.
func GuestSource() fs.FS { return guestSource }
