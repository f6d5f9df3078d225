import type { LanguageId } from '#lib/wire/code';

export interface SampleProgram {
  title: string;
  code: string;
  stdin?: string;
  /** What it writes, for the languages that a browser cannot run: shown as a sample while the runner is away. */
  output?: string;
}

export interface LanguageInfo {
  id: LanguageId;
  label: string;
  extension: string;
  samples: readonly [SampleProgram, ...SampleProgram[]];
}

/** What the playground offers for each language that the runner knows, in the order of its menu. */
export const LANGUAGE_INFOS: readonly LanguageInfo[] = [
  {
    id: 'python',
    label: 'Python',
    extension: 'py',
    samples: [
      {
        title: 'Prime numbers',
        code: `def primes(limit):
    """All primes below limit, by the sieve of Eratosthenes."""
    is_prime = [True] * limit
    for n in range(2, limit):
        if is_prime[n]:
            yield n
            for multiple in range(n * n, limit, n):
                is_prime[multiple] = False


print(*primes(100))
`,
      },
      {
        title: 'Read the input',
        code: `import sys
from collections import Counter

words = Counter(sys.stdin.read().lower().split())
for word, times in words.most_common(5):
    print(f"{times:3}  {word}")
`,
        stdin: 'the quick brown fox jumps over the lazy dog\nthe dog sleeps\n',
      },
      {
        title: 'Output while it runs',
        code: `import time

for step in range(1, 6):
    print(f"step {step} of 5", flush=True)
    time.sleep(0.5)
print("done")
`,
      },
    ],
  },
  {
    id: 'javascript',
    label: 'JavaScript',
    extension: 'js',
    samples: [
      {
        title: 'Group by length',
        code: `const words = ['moon', 'tide', 'calm', 'harbour', 'drift', 'shore'];
const byLength = Object.groupBy(words, (word) => word.length);

for (const [length, group] of Object.entries(byLength)) {
  console.log(\`\${length}: \${group.join(', ')}\`);
}
`,
      },
      {
        title: 'Read the input',
        code: `let sum = 0;
process.stdin.setEncoding('utf8');
for await (const chunk of process.stdin) {
  for (const number of chunk.split(/\\s+/).filter(Boolean)) sum += Number(number);
}
console.log(\`The sum is \${sum}\`);
`,
        stdin: '3 4 5\n30\n',
      },
    ],
  },
  {
    id: 'typescript',
    label: 'TypeScript',
    extension: 'ts',
    samples: [
      {
        title: 'A typed stack',
        code: `class Stack<T> {
  #items: T[] = [];

  push(item: T): this {
    this.#items.push(item);
    return this;
  }

  pop(): T | undefined {
    return this.#items.pop();
  }
}

const stack = new Stack<string>().push('first').push('second');
console.log(stack.pop(), stack.pop(), stack.pop());
`,
      },
    ],
  },
  {
    id: 'java',
    label: 'Java',
    extension: 'java',
    samples: [
      {
        title: 'Streams',
        code: `import java.util.stream.IntStream;

public class Main {
    public static void main(String[] args) {
        int sum = IntStream.rangeClosed(1, 10).map(n -> n * n).sum();
        System.out.println("The squares of 1 to 10 sum to " + sum);
    }
}
`,
        output: 'The squares of 1 to 10 sum to 385\n',
      },
    ],
  },
  {
    id: 'cpp',
    label: 'C++',
    extension: 'cpp',
    samples: [
      {
        title: 'Sort and print',
        code: `#include <algorithm>
#include <iostream>
#include <vector>

int main() {
    std::vector<int> numbers{5, 2, 9, 1, 7};
    std::ranges::sort(numbers);
    for (int number : numbers) std::cout << number << ' ';
    std::cout << '\\n';
}
`,
        output: '1 2 5 7 9 \n',
      },
    ],
  },
  {
    id: 'go',
    label: 'Go',
    extension: 'go',
    samples: [
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
    ],
  },
  {
    id: 'rust',
    label: 'Rust',
    extension: 'rs',
    samples: [
      {
        title: 'Iterators',
        code: `fn main() {
    let total: u32 = (1..=10).filter(|n| n % 2 == 0).map(|n| n * n).sum();
    println!("The even squares up to 10 sum to {total}");
}
`,
        output: 'The even squares up to 10 sum to 220\n',
      },
    ],
  },
];

export function findLanguageInfo(id: string): LanguageInfo | undefined {
  return LANGUAGE_INFOS.find((sheet) => sheet.id === id);
}
