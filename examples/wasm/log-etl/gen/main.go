// Command gen writes the access log that log-etl's example runs on. The same
// seed gives the same lines, so the file in data/ can be made again:
//
//	go run ./examples/wasm/log-etl/gen > examples/wasm/log-etl/data/access.log
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"time"
)

// defaultLines is what the committed file has.
const defaultLines = 4000

func main() {
	lines := flag.Int("lines", defaultLines, "how many lines to write")
	flag.Parse()
	if err := generate(os.Stdout, *lines); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// route is a page of the shop whose log this pretends to be.
type route struct {
	weight        int
	method, path  string // :id in the path becomes a number
	bytes         int
	medianMicros  int
	failPermille  int // answers 500 or 503
	missPermille  int // answers 404
	redirect      bool
	withoutBytes  bool
	queryPermille int
}

var routes = []route{
	{weight: 22, method: "GET", path: "/", bytes: 8200, medianMicros: 14_000, queryPermille: 100},
	{weight: 26, method: "GET", path: "/products/:id", bytes: 15_400, medianMicros: 32_000, failPermille: 4, missPermille: 60, queryPermille: 200},
	{weight: 12, method: "GET", path: "/search", bytes: 11_800, medianMicros: 95_000, failPermille: 12, queryPermille: 1000},
	{weight: 10, method: "GET", path: "/assets/app.js", bytes: 184_000, medianMicros: 3_000},
	{weight: 9, method: "GET", path: "/assets/style.css", bytes: 42_000, medianMicros: 2_000},
	{weight: 6, method: "GET", path: "/cart/", bytes: 5_100, medianMicros: 27_000, failPermille: 3},
	{weight: 5, method: "POST", path: "/cart/items", bytes: 310, medianMicros: 48_000, failPermille: 9, redirect: true},
	{weight: 3, method: "POST", path: "/checkout", bytes: 720, medianMicros: 310_000, failPermille: 45},
	{weight: 3, method: "GET", path: "/orders/:id/items", bytes: 6_400, medianMicros: 55_000, missPermille: 40},
	{weight: 2, method: "DELETE", path: "/cart/items/:id", medianMicros: 21_000, withoutBytes: true},
	{weight: 2, method: "GET", path: "/wp-login.php", bytes: 512, medianMicros: 1_000, missPermille: 1000},
}

var agents = []string{
	"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/148.0 Safari/537.36",
	"Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
	"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
	"curl/8.5.0",
	`Browser \"quoted\" 1.0`,
}

// generate writes lines of log, about one in forty of them damaged.
func generate(w io.Writer, lines int) error {
	out := bufio.NewWriter(w)
	rnd := rand.New(rand.NewPCG(2026, 11))
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.FixedZone("", 3600))
	for range lines {
		at = at.Add(time.Duration(rnd.IntN(1000)) * time.Millisecond)
		line := request(rnd, at)
		if rnd.IntN(40) == 0 {
			line = damage(rnd, line)
		}
		if _, err := out.WriteString(line + "\n"); err != nil {
			return fmt.Errorf("write a line: %w", err)
		}
	}
	return out.Flush()
}

func request(rnd *rand.Rand, at time.Time) string {
	r := pick(rnd)
	path := strings.ReplaceAll(r.path, ":id", strconv.Itoa(1+rnd.IntN(900)))
	if rnd.IntN(1000) < r.queryPermille {
		path += fmt.Sprintf("?q=%d&page=%d", rnd.IntN(50), 1+rnd.IntN(4))
	}
	status := r.status(rnd)
	bytes := "-"
	if !r.withoutBytes {
		bytes = strconv.Itoa(r.bytes*3/4 + rnd.IntN(r.bytes/2+1))
	}
	micros := latency(rnd, r.medianMicros)
	if status >= 500 {
		micros += 1_500_000 + rnd.IntN(4_000_000)
	}
	return fmt.Sprintf(`%s - - [%s] "%s %s HTTP/1.1" %d %s "-" "%s" %d.%06d`,
		client(rnd), at.Format("02/Jan/2006:15:04:05 -0700"), r.method, path, status, bytes,
		agents[rnd.IntN(len(agents))], micros/1_000_000, micros%1_000_000)
}

func pick(rnd *rand.Rand) route {
	n := rnd.IntN(100)
	for _, r := range routes {
		if n -= r.weight; n < 0 {
			return r
		}
	}
	return routes[0]
}

func (r route) status(rnd *rand.Rand) int {
	n := rnd.IntN(1000)
	switch {
	case n < r.failPermille/2:
		return 503
	case n < r.failPermille:
		return 500
	case n < r.failPermille+r.missPermille:
		return 404
	case r.redirect:
		return 303
	case r.withoutBytes:
		return 204
	}
	return 200
}

// latency is around the median, with one in twenty a good deal slower.
func latency(rnd *rand.Rand, median int) int {
	micros := median/2 + rnd.IntN(median+1)
	if rnd.IntN(20) == 0 {
		micros += rnd.IntN(median*8 + 1)
	}
	return micros
}

// client is one of a few hundred addresses, some of them far busier.
func client(rnd *rand.Rand) string {
	n := rnd.IntN(240)
	if rnd.IntN(3) == 0 {
		n %= 8
	}
	if n%10 == 9 {
		return fmt.Sprintf("2001:db8::%x", n)
	}
	return fmt.Sprintf("198.51.100.%d", n+1)
}

// damage breaks a line as real logs are broken.
func damage(rnd *rand.Rand, line string) string {
	switch rnd.IntN(6) {
	case 0:
		return line[:len(line)/2]
	case 1:
		return ""
	case 2:
		return "unknown" + line[len("198.51.100."):]
	case 3:
		return line + "s"
	case 4:
		return "203.0.113.7 - - [24/Nov/2026:09:61:00 +0100] \"GET / HTTP/1.1\" 200 10 \"-\" \"-\" 0.001"
	}
	return "203.0.113.7 - - [24/Nov/2026:09:11:00 +0100] \"\\x16\\x03\\x01\" 400 0 \"-\" \"-\" 0.000"
}
