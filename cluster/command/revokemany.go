package command

import "github.com/windrow-dev/windrow/queue"

// RevokeMany revokes tasks as Revoke does one; those that are not there any more
// are told by their place. It has at most MaxSubmit ids.
type RevokeMany struct {
	Namespace string
	IDs       []queue.ID
	Terminate bool
}

// Verb implements Command.
func (*RevokeMany) Verb() Verb { return VerbRevokeMany }

func (c *RevokeMany) write(w *Writer) {
	w.String(c.Namespace)
	w.Bool(c.Terminate)
	w.IDs(c.IDs)
}

func (c *RevokeMany) read(r *Reader) {
	c.Namespace, c.Terminate, c.IDs = r.String(), r.Bool(), r.IDs()
}
