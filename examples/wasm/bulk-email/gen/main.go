// Command gen makes the list of recipients of this example, always the same
// one, with a few lines that are wrong.
package main

import (
	"encoding/csv"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
)

func main() {
	file := flag.String("file", "recipients.csv", "where to write it")
	rows := flag.Int("rows", 400, "how many lines")
	flag.Parse()
	if err := write(*file, *rows); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

var (
	given   = []string{"Ada", "Björn", "Chioma", "Dmitri", "Elif", "Fatou", "Grace", "Håkon", "Ines", "Jun", "Kofi", "Lucía"}
	family  = []string{"O'Neill", "Sørensen", "Okafor", "Müller", "Ng", "van den Berg", "Rossi", "Tanaka", "<Smith>", "Diallo"}
	domains = []string{"example.com", "example.org", "mail.example.net", "school.example.edu"}
	courses = []string{"Go for Beginners", "Databases & Queries", "Networks", "Statistics I"}
)

func write(file string, rows int) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	w := csv.NewWriter(f)
	_ = w.Write([]string{"Email", "Name", "course", "seat", "vip"})
	r := rand.New(rand.NewPCG(1, 2))
	pick := func(from []string) string { return from[r.IntN(len(from))] }
	for i := range rows {
		name := pick(given) + " " + pick(family)
		local := strings.ToLower(strings.Map(ascii, name)) + fmt.Sprint(i)
		record := []string{local + "@" + pick(domains), name, pick(courses), fmt.Sprint(1 + r.IntN(120)), ""}
		if r.IntN(8) == 0 {
			record[4] = "yes"
		}
		switch i % 97 { // what lists are like
		case 13:
			record[0] = strings.Replace(record[0], "@", " at ", 1)
		case 40:
			record[2] = ""
		case 61:
			record[0] = "ADA@example.com"
		case 88:
			record = record[:3]
		}
		_ = w.Write(record)
	}
	w.Flush()
	if err := w.Error(); err != nil {
		return err
	}
	return f.Close()
}

// ascii keeps the letters that a mail address has.
func ascii(r rune) rune {
	switch {
	case r == ' ':
		return '.'
	case r < 0x80 && (r|0x20 >= 'a' && r|0x20 <= 'z'):
		return r
	}
	return -1
}
