package workflow

// Rule says when a node may run, by how those before it have ended. The rules
// are Airflow's trigger rules by their names, and one of the canvas.
type Rule uint8

// The rules.
const (
	AllSuccess Rule = iota
	AllFailed
	AllDone
	AllDoneMinOneSuccess
	AllSkipped
	OneSuccess
	OneFailed
	OneDone
	NoneFailed
	NoneFailedMinOneSuccess
	NoneSkipped
	Always
	// OwnFailed is link_error's: it runs when its upstream itself has failed,
	// and not when that had no chance to run.
	OwnFailed
)

var ruleNames = [...]string{"all_success", "all_failed", "all_done", "all_done_min_one_success", "all_skipped",
	"one_success", "one_failed", "one_done", "none_failed", "none_failed_min_one_success", "none_skipped", "always", "own_failed"}

// String gives the name that users write.
func (r Rule) String() string { return ruleNames[min(int(r), len(ruleNames)-1)] }

// ParseRule is the inverse of String for the rules that users may write; the
// empty name is all_success.
func ParseRule(name string) (Rule, bool) {
	for i, n := range ruleNames[:OwnFailed] {
		if n == name {
			return Rule(i), true
		}
	}
	return AllSuccess, name == ""
}

// Counts are how a node's upstreams have ended so far. Revoked counts as
// failed.
type Counts struct {
	Total, Success, Skipped, Failed, UpstreamFailed, Removed uint32
}

// Done is how many have ended.
func (c *Counts) Done() uint32 {
	return c.Success + c.Skipped + c.Failed + c.UpstreamFailed + c.Removed
}

// Verdict is what a rule makes of the counts.
type Verdict uint8

// The verdicts.
const (
	Wait Verdict = iota
	Go
	Skip
	Fail // the node ends as upstream_failed
)

// Judge looks at the counts each time an upstream has ended: the first line
// that holds decides, as Airflow's trigger_rule_dep does.
func (r Rule) Judge(c Counts) Verdict {
	if c.Total == 0 || r == Always {
		return Go
	}
	if v := r.ends(c); v != Wait {
		return v
	}
	if r.runs(c) {
		return Go
	}
	return Wait
}

// ends is the part of a rule that ends a node without running it.
func (r Rule) ends(c Counts) Verdict {
	all, bad := c.Done() == c.Total, c.Failed+c.UpstreamFailed > 0
	switch r {
	case AllSuccess:
		return first(bad, Fail, c.Skipped > 0, Skip)
	case AllFailed:
		return first(c.Success+c.Skipped > 0, Skip, false, Wait)
	case AllDoneMinOneSuccess:
		return first(c.Skipped > 0, Skip, all && c.Success == 0, Fail)
	case AllSkipped:
		return first(c.Success > 0 || bad, Skip, false, Wait)
	case OneSuccess:
		return first(c.Skipped == c.Total, Skip, all && c.Success == 0, Fail)
	case OneFailed:
		return first(all && !bad, Skip, false, Wait)
	case OneDone:
		return first(all && c.Success+c.Failed == 0, Skip, false, Wait)
	case NoneFailed:
		return first(bad, Fail, false, Wait)
	case NoneFailedMinOneSuccess:
		return first(bad, Fail, c.Skipped == c.Total, Skip)
	case NoneSkipped:
		return first(c.Skipped > 0, Skip, false, Wait)
	case OwnFailed:
		return first(all && c.Failed == 0, Skip, false, Wait)
	default:
		return Wait
	}
}

func first(a bool, then Verdict, b bool, other Verdict) Verdict {
	switch {
	case a:
		return then
	case b:
		return other
	}
	return Wait
}

// runs is the part that lets a node run.
func (r Rule) runs(c Counts) bool {
	switch r {
	case AllSuccess:
		return c.Success == c.Total-c.Removed
	case AllFailed:
		return c.Failed+c.UpstreamFailed == c.Total
	case AllSkipped:
		return c.Skipped == c.Total
	case OneSuccess:
		return c.Success > 0
	case OneFailed:
		return c.Failed+c.UpstreamFailed > 0
	case OneDone:
		return c.Success+c.Failed > 0
	case NoneFailed, NoneFailedMinOneSuccess:
		return c.Success+c.Skipped == c.Total
	case OwnFailed:
		return c.Failed > 0
	default: // all_done, all_done_min_one_success, none_skipped
		return c.Done() >= c.Total
	}
}
