// Package queue is the domain of a task: its identity, what a call asks for,
// its states, its retries and how an attempt ends. It knows no log, disk,
// network, sandbox or clock, and imports the standard library alone.
//
// Times are unix nanoseconds of the machine's time, durations nanoseconds.
package queue
