import type { SamplePrograms } from '#lib/languages/language-info';

export const samples: SamplePrograms = [
  {
    title: 'Count words',
    code: `declare -A count
while read -ra words; do
  for word in "\${words[@]}"; do ((count[$word] += 1)); done
done

for word in "\${!count[@]}"; do
  printf '%3d  %s\\n' "\${count[$word]}" "$word"
done | sort -k1,1nr -k2
`,
    stdin: 'the quick brown fox jumps over the lazy dog\nthe dog sleeps\n',
    output: `  3  the
  2  dog
  1  brown
  1  fox
  1  jumps
  1  lazy
  1  over
  1  quick
  1  sleeps
`,
  },
];
