// Package workflow is the one graph engine: canvases and DAGs are graphs of the
// same nodes, moved by the same transitions. It is pure: it knows no clock, no
// storage and no payload, and the state machine is its only driver.
//
// A Graph never changes; it is kept once however often it runs. A Run is the
// progress over one. Values are never copied into it: what a node is given is
// named by the node whose value it is.
package workflow
