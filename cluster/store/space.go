package store

type preallocated struct{}
type reserve struct{}
