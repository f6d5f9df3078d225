import type { SamplePrograms } from '#lib/languages/language-info';

export const samples: SamplePrograms = [
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
];
