import type { SamplePrograms } from '#lib/languages/language-info';

export const samples: SamplePrograms = [
  {
    title: 'Goroutines',
    code: `package main

import (
	"fmt"
	"sync"
)

func main() {
	var group sync.WaitGroup
	results := make([]int, 5)
	for i := range results {
		group.Go(func() { results[i] = i * i })
	}
	group.Wait()
	fmt.Println(results)
}
`,
    output: '[0 1 4 9 16]\n',
  },
];
