// Package conformance holds canvases to what Celery documents, where docs/canvas.md
// does not say otherwise. A small sequential model tells what must become of each
// task of a canvas; tables and random canvases are run and compared with it: on
// the API, the state machine and the replica in one process, and on real nodes.
package conformance
