// A Go reactor for the tests, with nothing but the ABI.
package main

import (
	"encoding/json"
	"time"
	"unsafe"
)

//go:wasmimport windrow call
func call(op int32, p unsafe.Pointer, n int32) int64

//go:wasmimport windrow read
func read(p unsafe.Pointer, n int32) int32

func tell(op int32, b []byte) int64 {
	return call(op, unsafe.Pointer(unsafe.SliceData(b)), int32(len(b)))
}

func rest() (all []byte) {
	buf := make([]byte, 512)
	for {
		n := read(unsafe.Pointer(&buf[0]), int32(len(buf)))
		if n <= 0 {
			return all
		}
		all = append(all, buf[:n]...)
	}
}

//go:wasmexport windrow_describe
func describe() int32 {
	tell(1, []byte(`{"abi":1,"tasks":[{"name":"sum"}]}`))
	return 0
}

//go:wasmexport windrow_run
func run() int32 {
	var e struct {
		Args []int
		Task string
	}
	if err := json.Unmarshal(rest(), &e); err != nil {
		tell(2, []byte(`{"type":"bad_envelope","message":"no JSON"}`))
		return 1
	}
	done := make(chan int)
	go func() {
		time.Sleep(5 * time.Millisecond)
		sum := 0
		for _, v := range e.Args {
			sum += v
		}
		done <- sum
	}()
	tell(3, []byte("adding"))
	b, _ := json.Marshal(<-done)
	tell(1, b)
	return 0
}

func main() {}
