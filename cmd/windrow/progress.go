package main

import (
	"fmt"
	"io"
	"time"
)

// uploadShown is the size from which an upload shows how far it is, and
// uploadStep how often.
const (
	uploadShown = 1 << 20
	uploadStep  = 100 * time.Millisecond
)

// upload is a file on its way to a server, with how far it is on one line of a
// terminal.
type upload struct {
	io.ReadSeeker
	out        io.Writer
	name       string
	sent, size int64
	last       time.Time
}

// watchUpload shows the progress of a large file where people see it. The
// function it gives clears the line.
func watchUpload(r io.Reader, name string, out io.Writer, terminal bool) (io.Reader, func()) {
	s, ok := r.(io.ReadSeeker)
	if !ok || !terminal {
		return r, func() {}
	}
	begin, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return r, func() {} // a pipe
	}
	size, err := s.Seek(0, io.SeekEnd)
	if err != nil {
		return r, func() {}
	}
	if _, err := s.Seek(begin, io.SeekStart); err != nil || size-begin < uploadShown {
		return r, func() {}
	}
	u := &upload{ReadSeeker: s, out: out, name: name, size: size}
	return u, func() { fmt.Fprint(out, "\r\x1b[K") }
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	n, err := u.ReadSeeker.Read(p)
	u.sent += int64(n)
	switch now := time.Now(); {
	case u.sent >= u.size && n > 0:
		fmt.Fprintf(u.out, "\r\x1b[K%s: %s sent, checked and compiled now…", clean(u.name), size(u.size))
	case now.Sub(u.last) >= uploadStep:
		u.last = now
		fmt.Fprintf(u.out, "\r\x1b[K%s: %s of %s", clean(u.name), size(u.sent), size(u.size))
	}
	return n, err
}

// Seek implements io.Seeker: another attempt begins anew.
func (u *upload) Seek(offset int64, whence int) (int64, error) {
	at, err := u.ReadSeeker.Seek(offset, whence)
	u.sent = at
	return at, err
}
