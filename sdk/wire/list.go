package wire

// List is one page. NextCursor, given back as ?cursor=, leads to the next; a
// page may be short, even empty, while it is set.
type List[T any] struct {
	Items      []T    `json:"items"`
	NextCursor string `json:"next_cursor,omitempty"`
}
