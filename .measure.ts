import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { LANGUAGES } from '#lib/runner/languages/index';
import { testBench } from '#lib/runner/testing';

const HELLO: Record<string, (n: number) => string> = {
  python: (n) => `print("hello ${n}")`,
  javascript: (n) => `console.log("hello ${n}")`,
  typescript: (n) => `const x: string = "hello ${n}"; console.log(x)`,
  java: (n) => `public class Main { public static void main(String[] a) { System.out.println("hello ${n}"); } }`,
  cpp: (n) =>
    `#include <iostream>\n#include <vector>\n#include <algorithm>\nint main() { std::cout << "hello ${n}" << std::endl; }`,
  go: (n) => `package main\nimport "fmt"\nfunc main() { fmt.Println("hello ${n}") }`,
  rust: (n) => `fn main() { println!("hello ${n}"); }`,
};
const dir = mkdtempSync('/tmp/rm/bare-');
const node = process.execPath;
const BARE: Record<string, string[][]> = {
  python: [['/usr/bin/python3', 'main.py']],
  javascript: [[node, 'main.js']],
  typescript: [[node, 'main.ts']],
  java: [
    ['javac', 'Main.java'],
    ['java', 'Main'],
  ],
  cpp: [['g++', '-std=gnu++20', '-o', 'p', 'main.cpp'], ['./p']],
  go: [['/usr/local/go/bin/go', 'run', 'main.go']],
  rust: [['rustc', '--edition', '2021', '-o', 'pr', 'main.rs'], ['./pr']],
};
const FILE: Record<string, string> = {
  python: 'main.py',
  javascript: 'main.js',
  typescript: 'main.ts',
  java: 'Main.java',
  cpp: 'main.cpp',
  go: 'main.go',
  rust: 'main.rs',
};
const only = process.argv.slice(2).filter((a) => !a.startsWith('-'));
const N = Number(process.env.N ?? 15),
  PAUSE = Number(process.env.PAUSE ?? 150);
const median = (xs: number[]) => xs.toSorted((a, b) => a - b)[Math.floor(xs.length / 2)]!;
const { runner } = testBench(process.env.NOCG ? { controlGroups: () => undefined } : {});
await runner.prepared();
const run = async (language: string, code: string) => {
  const t = performance.now();
  const r = await runner.run({ language, code }, { caller: 'm' });
  const ms = performance.now() - t;
  if (r.status !== 'success' || !r.stdout.startsWith('hello')) throw new Error(JSON.stringify(r));
  return ms;
};
let n = 0;
for (const { id } of LANGUAGES) {
  if (only.length > 0 && !only.includes(id)) continue;
  const hello = HELLO[id]!;
  await run(id, hello(0));
  await delay(2000);
  await run(id, hello(0));
  await delay(process.env.SETTLE ? Number(process.env.SETTLE) : 3000);
  const bare: number[] = [],
    first: number[] = [],
    again: number[] = [];
  for (let i = 0; i < N; i++) {
    writeFileSync(`${dir}/${FILE[id]}`, hello(0));
    if (!process.env.NOBARE) {
      const t = performance.now();
      for (const [p, ...a] of BARE[id]!) {
        const r = spawnSync(p!, a, { cwd: dir, encoding: 'utf8' });
        if (r.status !== 0) throw new Error(r.stderr);
      }
      bare.push(performance.now() - t);
    }
    await delay(PAUSE);
    first.push(await run(id, hello(++n)));
    await delay(PAUSE);
    again.push(await run(id, hello(0)));
    await delay(PAUSE);
  }
  const b = median(bare.length ? bare : [NaN]),
    f = median(first),
    a = median(again);
  console.log(
    `${id.padEnd(11)} bare ${b.toFixed(1)}  first ${f.toFixed(1)} (${(f / b).toFixed(2)})  again ${a.toFixed(1)} (max ${Math.max(...again).toFixed(1)}) (${(a / b).toFixed(2)})`,
  );
}
await runner.close();
