// A Go command for the tests: what it reads comes back with what it saw.
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
)

func main() {
	in, err := io.ReadAll(os.Stdin)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	switch string(in) {
	case "panic":
		panic("on purpose")
	case "hog":
		var keep [][]byte
		for {
			b := make([]byte, 1<<20)
			for i := range b {
				b[i] = 1
			}
			keep = append(keep, b)
		}
	case "recurse":
		fmt.Println(deeper(0))
	case "select":
		select {}
	}
	start := time.Now()
	var both sync.WaitGroup
	for range 2 {
		both.Go(func() { time.Sleep(30 * time.Millisecond) })
	}
	both.Wait()
	fmt.Fprintln(os.Stderr, "slept")
	_, statErr := os.Stat("/etc/passwd")
	json.NewEncoder(os.Stdout).Encode(map[string]any{
		"in": string(in), "slept": time.Since(start).Milliseconds(), "random": rand.Text(), "no_files": statErr != nil,
		"env": os.Environ(), "args": len(os.Args),
	})
}

func deeper(n int) int { return deeper(n+1) + 1 }
