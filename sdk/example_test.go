package windrow_test

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	windrow "github.com/windrow-dev/windrow/sdk"
	"github.com/windrow-dev/windrow/sdk/fake"
)

// sum plays the module sums, which a real cluster would run as Wasm.
func sum(_ context.Context, job fake.Job) (any, error) {
	var numbers []int
	if err := json.Unmarshal(job.Call.Input, &numbers); err != nil {
		return nil, &fake.Failure{Type: "input", Message: "want a list of numbers"}
	}
	total := 0
	for _, n := range numbers {
		total += n
	}
	return total, nil
}

func ExampleRun() {
	server := fake.New(map[string]fake.Func{"sums.main": sum})
	defer server.Close()
	client, err := windrow.New(windrow.Config{Servers: []string{server.URL}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	total, err := windrow.Run[int](context.Background(), client, windrow.Call{
		Task:    "sums.main",
		Input:   windrow.JSON([]int{1, 2, 3}),
		Timeout: windrow.After(10 * time.Second),
		Retry:   &windrow.Retry{Max: 3},
	})
	fmt.Println(total, err)

	_, err = windrow.Run[int](context.Background(), client, windrow.Call{Task: "sums.main", Input: windrow.JSON("text")})
	fmt.Println(windrow.FailedWith(err, "input"))
	// Output:
	// 6 <nil>
	// true
}

func ExampleClient_Tasks() {
	server := fake.New(map[string]fake.Func{"sums.main": sum})
	defer server.Close()
	client, err := windrow.New(windrow.Config{Servers: []string{server.URL}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	call := windrow.Call{Task: "sums.main", Input: windrow.JSON([]int{1}), Countdown: windrow.After(time.Hour)}
	if _, err := client.SubmitBatch(context.Background(), []windrow.Call{call, call}); err != nil {
		fmt.Println(err)
		return
	}
	for task, err := range client.Tasks(context.Background(), windrow.TaskFilter{Task: "sums."}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(task.Task, task.State)
	}
	// Output:
	// sums.main pending
	// sums.main pending
}

func ExampleClient_CanvasWait() {
	server := fake.New(map[string]fake.Func{"sums.main": sum})
	defer server.Close()
	client, err := windrow.New(windrow.Config{Servers: []string{server.URL}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	part := func(numbers ...int) windrow.Canvas {
		return windrow.Sig(windrow.Call{Task: "sums.main", Input: windrow.JSON(numbers)})
	}
	run, err := client.CanvasWait(context.Background(), windrow.Chain(
		windrow.Group(part(1, 2), part(3, 4), part(5)),
		windrow.S("sums.main"), // is given [3, 7, 5]
	))
	if err != nil {
		fmt.Println(err)
		return
	}
	total, err := windrow.RunResult[int](run)
	fmt.Println(total, err, run.Tasks["chain-0-group-1"].State)
	// Output: 15 <nil> success
}
