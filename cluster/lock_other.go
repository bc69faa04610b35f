//go:build !unix

package cluster

import "os"

// tryLock does not lock here: Windows is for development only.
func tryLock(*os.File) (bool, error) { return true, nil }
