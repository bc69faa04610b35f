// Package calendar says when schedules tick. A Rule is what the user writes, a
// Schedule is what Parse makes of it, and every question to a Schedule carries
// the time it is asked for: the package knows no clock and keeps no state, so
// the leader, the API and a test get the same answer. The state machine never
// asks it, as what it answers depends on a time zone database.
//
// Ticks of a cron rule are those of a clock on the wall of its time zone:
//
//   - a tick in an hour that the clock skips happens once, when the skip ends;
//   - in an hour that the clock shows twice, a rule that names its hours ticks
//     the first time only, and one that means every hour ticks both times.
//
// A Schedule gives ticks, which name what is due. When the work of a tick
// begins is the tick plus Delay, the schedule's jitter.
package calendar
