package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

type Point struct {
	X int `json:"x"`
	Y int `json:"y,omitempty"`
}

func sum[T int | float64](values ...T) (total T) {
	for _, v := range values {
		total += v
	}
	return
}

var errMissing = errors.New("missing")

func main() {
	in := bufio.NewScanner(os.Stdin)
	in.Scan()
	fmt.Println(strings.ToUpper(in.Text()), os.Args[1:], len("é🦀"))
	text, _ := json.Marshal([]Point{{1, 0}, {2, 3}})
	fmt.Println(string(text), sum(1, 2, 39), sum(0.5, 0.25))
	fmt.Println(new(big.Int).Exp(big.NewInt(2), big.NewInt(200), nil))
	var wait sync.WaitGroup
	results := make(chan int, 10)
	for i := range 10 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			results <- i * i
		}()
	}
	wait.Wait()
	close(results)
	all := []int{}
	for r := range results {
		all = append(all, r)
	}
	slices.Sort(all)
	fmt.Println(all, fmt.Errorf("wrapped: %w", errMissing))
	select {
	case <-time.After(10 * time.Millisecond):
		fmt.Println(time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC).Format(time.RFC3339))
	}
	server := httptest.NewServer(http.NotFoundHandler())
	answer, err := http.Get(server.URL)
	if err == nil {
		fmt.Println(answer.StatusCode, twice(21))
	}
	os.WriteFile("kept.txt", []byte("kept"), 0o644)
	kept, _ := os.ReadFile("kept.txt")
	data, _ := os.ReadFile("data.txt")
	fmt.Println(string(kept), strings.TrimSpace(string(data)))
	fmt.Fprintln(os.Stderr, "to stderr")
	os.Exit(4)
}
