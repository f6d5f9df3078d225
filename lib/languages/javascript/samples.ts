import type { SamplePrograms } from '#lib/languages/language-info';

export const samples: SamplePrograms = [
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
];
