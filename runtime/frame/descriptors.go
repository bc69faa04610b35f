package frame

// The descriptors that a sandbox process is started with.
const (
	FDOrders  = 0 // pipe: frames from the parent
	FDAnswers = 1 // pipe: frames to the parent
	FDErrors  = 2 // pipe: what the Go runtime says when it dies
	FDPage    = 3 // the status page
	FDModule  = 4 // the module's bytes, for reading
	FDCache   = 5 // directory of its compiled code, for reading
	// FDRunEnd is the first descriptor that a run child must not have.
	FDRunEnd = 6
)

// The descriptors that a compile process is started with: 1 and 2 as above.
const (
	FDCompileModule = 3 // the module's bytes, for reading
	FDCompileOut    = 4 // an empty directory to compile into
	FDCompileEnd    = 5
)

// ExitNodeFault is the exit code of a compile process that failed for want of
// something that the node should have given it: the module is not to blame.
const ExitNodeFault = 2
