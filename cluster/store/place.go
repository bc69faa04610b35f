package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A store's directory holds one Badger database in a numbered folder and a
// file, CURRENT, that names it. A restore builds the next number beside it and
// changes the name in one rename, so that a crash leaves the one or the other.
//
//	CURRENT      "windrow-store 1\ndb-000001\n"
//	db-000001/   Badger's files
//	reserve      given up when the disk is full
const (
	currentName  = "CURRENT"
	reserveName  = "reserve"
	formatLine   = "windrow-store 1"
	emptyLine    = "empty"
	dbPattern    = "db-%06d"
	buildingPart = ".building"
)

// place is what CURRENT says.
type place struct {
	number int
	// empty says that the database was never opened to its end, so that
	// whatever is in its folder may be made anew.
	empty bool
}

func (p place) name() string { return fmt.Sprintf(dbPattern, p.number) }

// findPlace reads CURRENT, or makes the first one in an empty directory.
func findPlace(dir string) (place, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return place{}, err
	}
	b, err := os.ReadFile(filepath.Join(dir, currentName))
	if errors.Is(err, fs.ErrNotExist) {
		return firstPlace(dir)
	}
	if err != nil {
		return place{}, err
	}
	p, err := parsePlace(string(b))
	if err != nil {
		return place{}, err
	}
	path := filepath.Join(dir, p.name())
	if p.empty {
		return p, os.RemoveAll(path)
	}
	if _, err := os.Stat(path); err != nil {
		return place{}, fmt.Errorf("%s names %s, which is not there (%w): put it back, or restore a backup, or move "+
			"the whole directory away so that the node fetches a snapshot from its cluster", currentName, p.name(), err)
	}
	return p, nil
}

func firstPlace(dir string) (place, error) {
	found, err := filepath.Glob(filepath.Join(dir, "db-*"))
	if err != nil {
		return place{}, err
	}
	for _, f := range found {
		if !strings.HasSuffix(f, buildingPart) {
			return place{}, fmt.Errorf("%s is missing but %s is there: write %q and its name into %s, one a line, or move it away",
				currentName, f, formatLine, currentName)
		}
	}
	p := place{number: 1, empty: true}
	return p, p.write(dir)
}

func parsePlace(text string) (place, error) {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	if lines[0] != formatLine {
		return place{}, fmt.Errorf("%s begins with %q, not %q: a newer windrowd wrote it, or it is damaged", currentName, lines[0], formatLine)
	}
	var p place
	if len(lines) > 1 {
		_, _ = fmt.Sscanf(lines[1], dbPattern, &p.number) // judged below
	}
	p.empty = len(lines) == 3 && lines[2] == emptyLine
	if p.number < 1 || lines[1] != p.name() || len(lines) > 2 && !p.empty {
		return place{}, fmt.Errorf("%s is damaged: %q", currentName, text)
	}
	return p, nil
}

// write makes p the current one, durably and in one step.
func (p place) write(dir string) error {
	text := formatLine + "\n" + p.name() + "\n"
	if p.empty {
		text += emptyLine + "\n"
	}
	return replaceFile(filepath.Join(dir, currentName), []byte(text))
}

// tidy removes databases that are not p: what a restore replaced, or a crash
// left half built.
func (p place) tidy(dir string) error {
	found, err := filepath.Glob(filepath.Join(dir, "db-*"))
	if err != nil {
		return err
	}
	for _, f := range found {
		if filepath.Base(f) != p.name() {
			if err := os.RemoveAll(f); err != nil {
				return err
			}
		}
	}
	return nil
}

// replaceFile writes a file anew so that a crash leaves the old or the new.
func replaceFile(path string, content []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
