import { createInterface } from 'node:readline';

let lines = 0;
for await (const line of createInterface({ input: process.stdin })) {
  lines += 1;
  console.log(lines, line);
}
