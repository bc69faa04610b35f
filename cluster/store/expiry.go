package store

const minute = int64(60e9)

// dueMinute is the first full minute at which something due at a time may go.
func dueMinute(at int64) int64 {
	m := at / minute
	if at%minute > 0 {
		m++
	}
	return m
}

type sweeper struct{}
