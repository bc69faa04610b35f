package sandbox

import "fmt"

// directoryPath names a directory that the parent left open. The way to it need
// not be open to the user that this process runs as.
func directoryPath(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }
