// Package windrow is the Go client of a Windrow cluster: it uploads modules,
// submits tasks, waits for them and steers queues, pools and the cluster, over
// HTTP.
//
//	client, err := windrow.New(windrow.Config{})
//	…
//	total, err := windrow.Run[int](ctx, client, windrow.Call{
//		Task: "sums.main", Input: windrow.JSON([]int{1, 2, 3}),
//	})
//
// A [Client] may know several servers and goes on with the next where one does
// not answer. Requests are repeated until [Config.RetryFor] has passed; every
// POST carries an idempotency key, so that a repetition never submits twice.
// A client reads its own writes whichever server it asks.
//
// The package does not run guests and knows nothing of a server's inside; the
// JSON types it shares with the server are those of package wire. It uses the
// standard library alone.
package windrow
