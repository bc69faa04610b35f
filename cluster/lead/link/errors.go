package link

import "errors"

// Why a link ends. The worker's answer to each is to attach anew.
var (
	ErrNotLeader = errors.New("this node does not lead")
	ErrEnded     = errors.New("the session has ended")
	ErrReplaced  = errors.New("the worker has attached anew")
	ErrSilent    = errors.New("the worker does not answer for what it was sent")
	ErrBusy      = errors.New("another attachment of this worker is under way")
	ErrClosed    = errors.New("the link is closed")
)
