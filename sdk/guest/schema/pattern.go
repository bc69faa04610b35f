//go:build !wasip1

package schema

import "regexp"

// matches tries a string against a pattern.
func matches(pattern, s string) (bool, error) {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return false, err
	}
	return re.MatchString(s), nil
}
