package canvas

import "strconv"

// Kind is what a canvas is.
type Kind uint8

// The kinds.
const (
	Task Kind = iota
	Chain
	Group
	Chord
	Map
	Starmap
	Chunks
)

var kindNames = [...]string{"task", "chain", "group", "chord", "map", "starmap", "chunks"}

// String gives the name that users write.
func (k Kind) String() string { return kindNames[min(int(k), len(kindNames)-1)] }

// Takes is what a signature does with the result that comes before it.
type Takes uint8

// The ways.
const (
	TakesInput Takes = iota // it is the input
	TakesFirst              // it comes first in the args
	TakesNone               // nothing
)

// Tree is a canvas.
type Tree struct {
	Kind Kind
	// Leaf is the call of a task, or of a map's tasks.
	Leaf  uint32
	Takes Takes
	// Of are the elements of a chain, the members of a group, the header of a
	// chord; Body is the latter's body.
	Of   []Tree
	Body *Tree
	// Size is how many items a map has, Chunk how many a chunk.
	Size, Chunk uint32
	Link        []Tree
	LinkError   []Tree
}

// Bounds of a canvas.
const (
	MaxTasks = 250_000
	MaxDepth = 64
)

// Error says what is wrong where.
type Error struct {
	Path   string // "chain[1].group[3]"
	Reason string
}

// Error names the path first.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

// at puts a step before an Error's path; other errors pass.
func at(step string, i int, err error) error {
	e, ok := err.(*Error) //nolint:errorlint // it was made here, and nothing wraps it
	if !ok {
		return err
	}
	if i >= 0 {
		step += "[" + strconv.Itoa(i) + "]"
	}
	if e.Path != "" {
		step += "." + e.Path
	}
	return &Error{Path: step, Reason: e.Reason}
}
