// Package lead is what only a leader does with its time: it watches the
// workers' sessions, pushes what the machine has assigned, and wakes the
// machine when a timer is due. It changes nothing but by a command, and keeps
// nothing that the next leader would miss.
//
// It runs no task and knows no Raft. See DESIGN.md.
package lead
