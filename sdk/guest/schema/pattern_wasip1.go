package schema

// matches takes every string for a match: regular expressions would add a
// tenth to every module. They are tried where arguments are checked before
// submission, and in tests.
func matches(_, _ string) (bool, error) { return true, nil }
