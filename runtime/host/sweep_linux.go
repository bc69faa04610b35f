package host

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// ownerMark is the last argument of all children of the node with this cache
// directory.
func ownerMark(cacheDir string) string {
	sum := sha256.Sum256([]byte(cacheDir))
	return "windrow-sandbox-" + hex.EncodeToString(sum[:8])
}

// sweep kills the children of an earlier life of this node and returns how
// many. They die with their parent; this is for what could not be foreseen.
func sweep(mark string) int {
	names, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is good
	killed := 0
	for _, name := range names {
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if err != nil || pid == os.Getpid() || !marked(name, mark) {
			continue
		}
		// The process is held by a descriptor before it is looked at again, so
		// that no other with the same number is killed in its place.
		fd, err := unix.PidfdOpen(pid, 0)
		if err != nil {
			continue
		}
		if marked(name, mark) && unix.PidfdSendSignal(fd, unix.SIGKILL, nil, 0) == nil {
			killed++
		}
		_ = unix.Close(fd)
	}
	return killed
}

// marked reports whether a command line ends with the mark.
func marked(cmdline, mark string) bool {
	b, err := os.ReadFile(cmdline)
	if err != nil {
		return false
	}
	return bytes.HasSuffix(bytes.TrimSuffix(b, []byte{0}), append([]byte{0}, mark...))
}

// residentBytes is how much memory a process holds; 0 where it is gone.
func residentBytes(pid int) int64 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
