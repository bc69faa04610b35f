package windrow

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"net/http"
	"net/url"

	"github.com/windrow-dev/windrow/sdk/wire"
)

// list walks a list of the API page by page. A page may be short, even empty,
// while more follow.
func list[T any](ctx context.Context, c *Client, path string, query url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		q := maps.Clone(query)
		if q == nil {
			q = url.Values{}
		}
		for {
			var page wire.List[T]
			if _, err := c.do(ctx, &request{method: http.MethodGet, path: path, query: q}, &page); err != nil {
				yield(zero, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.NextCursor == "" {
				return
			}
			if page.NextCursor == q.Get("cursor") {
				yield(zero, fmt.Errorf("GET %s: the server's cursor does not move on", path))
				return
			}
			q.Set("cursor", page.NextCursor)
		}
	}
}

// Collect gathers a list, up to limit entries; 0 is all of them.
func Collect[T any](items iter.Seq2[T, error], limit int) ([]T, error) {
	all := []T{}
	for item, err := range items {
		if err != nil {
			return all, err
		}
		all = append(all, item)
		if len(all) == limit {
			break
		}
	}
	return all, nil
}
