package api

// Names by the rules of the contract, without a regexp: they are checked for
// every call.

var nameRules = map[string]string{
	"module":   "it is a lower-case letter and then up to 62 of a-z, 0-9, _ and -",
	"queue":    "it has up to 128 of A-Z, a-z, 0-9, _, -, . and :, and begins with a letter, a digit or _",
	"schedule": "it has up to 128 of A-Z, a-z, 0-9, _, -, . and :, and begins with a letter, a digit or _",
	"webhook":  "it has up to 128 of A-Z, a-z, 0-9, _, -, . and :, and begins with a letter, a digit or _",
	"pool":     "it has up to 128 of A-Z, a-z, 0-9, _, -, . and :, and begins with a letter, a digit or _",
}

func lower(c byte) bool { return c >= 'a' && c <= 'z' }
func upper(c byte) bool { return c >= 'A' && c <= 'Z' }
func digit(c byte) bool { return c >= '0' && c <= '9' }

// isName is a module's or a namespace's: [a-z][a-z0-9_-]{0,62}.
func isName(s string) bool {
	if s == "" || len(s) > 63 || !lower(s[0]) {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !lower(c) && !digit(c) && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// isTask is a task's name within its module: [A-Za-z_][A-Za-z0-9_.-]*.
func isTask(s string) bool {
	if s == "" || len(s) > 255 || !lower(s[0]) && !upper(s[0]) && s[0] != '_' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !lower(c) && !upper(c) && !digit(c) && c != '_' && c != '.' && c != '-' {
			return false
		}
	}
	return true
}

// isLine is a queue's or a pool's name.
func isLine(s string) bool {
	if s == "" || len(s) > 128 || !lower(s[0]) && !upper(s[0]) && !digit(s[0]) && s[0] != '_' {
		return false
	}
	for i := 1; i < len(s); i++ {
		if c := s[i]; !lower(c) && !upper(c) && !digit(c) && c != '_' && c != '.' && c != '-' && c != ':' {
			return false
		}
	}
	return true
}

// isDigest is "sha256:" and 64 lower-case hexadecimal digits.
func isDigest(s string) bool {
	const prefix = "sha256:"
	if len(s) != len(prefix)+64 || s[:len(prefix)] != prefix {
		return false
	}
	for i := len(prefix); i < len(s); i++ {
		if c := s[i]; !digit(c) && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
