package main

import (
	"fmt"
	"strings"
)

// markdown writes a course for people.
func markdown(c *Course) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n\n%d modules, %s, %d sessions until %s\n", c.Title, len(c.Modules), hours(c.Minutes), len(c.Sessions), c.Ends.Format(dateLayout))
	when := map[string]string{}
	for _, s := range c.Sessions {
		for _, id := range s.Lessons {
			when[id] = s.Date.Format("Mon 2 Jan")
		}
	}
	for _, m := range c.Modules {
		fmt.Fprintf(&b, "\n## %d. %s\n\n", m.Number, m.Title)
		if len(m.Requires) > 0 {
			fmt.Fprintf(&b, "After %s.\n\n", strings.Join(m.Requires, ", "))
		}
		b.WriteString("| lesson | | minutes | when |\n| --- | --- | --- | --- |\n")
		for _, l := range m.Lessons {
			day := when[l.ID]
			if day == "" {
				day = "at home"
			}
			fmt.Fprintf(&b, "| %s | %s | %d | %s |\n", l.Title, l.Kind, l.Minutes, day)
		}
	}
	return b.String()
}

func hours(minutes int) string {
	if minutes%60 == 0 {
		return fmt.Sprintf("%d h", minutes/60)
	}
	return fmt.Sprintf("%d h %d min", minutes/60, minutes%60)
}
