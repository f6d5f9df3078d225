import { build } from 'rolldown';
import { beforeAll, expect, test } from 'vitest';
import { LANGUAGE_INFOS } from '#lib/languages/infos';
import { SAMPLES } from '#lib/languages/samples';
import { newJavascriptEngine } from './javascript-engine.ts';
import { JavascriptProgram } from './javascript-program.ts';
import type { DemoFile } from './protocol.ts';

let prelude = '';

beforeAll(async () => {
  const { output } = await build({
    input: 'components/code-run/demo/node-prelude.ts',
    platform: 'browser',
    write: false,
    output: { format: 'iife', name: 'prelude' },
  });
  prelude = `${output[0].code};prelude.install`;
});

async function run(code: string, options: { name?: string; files?: DemoFile[]; stdin?: string; args?: string[] } = {}) {
  const { name = 'main.js', files = [], stdin = '', args = [] } = options;
  const said = { stdout: '', stderr: '' };
  const program = { files: [{ name, content: code }, ...files], stdin, args };
  const engine = await newJavascriptEngine();
  const end = await new JavascriptProgram(engine, program, prelude, (stream, text) => {
    said[stream] += text;
  }).run();
  return { ...said, ...end };
}

test('writes the output that Node would write', async () => {
  const code = `console.log('a', 1, [1, 2], { b: 'c', d: [undefined, null] }, new Map([[1, new Set(['x'])]]), 3n, -0);
class Point { x = 1 } console.log(new Point(), Point, () => 1, 'it\\'s', ["it's"], Symbol('s'));
console.log('%s has %d of %j %%', 'she', '42', { a: 1 }, 'more'); console.error('oh');`;
  const { stdout, stderr, status, exitCode } = await run(code);
  expect(stdout).toBe(
    [
      "a 1 [ 1, 2 ] { b: 'c', d: [ undefined, null ] } Map(1) { 1 => Set(1) { 'x' } } 3n -0",
      `Point { x: 1 } [class Point] [Function (anonymous)] it's [ "it's" ] Symbol(s)`,
      'she has 42 of {"a":1} % more',
      '',
    ].join('\n'),
  );
  expect(stderr).toBe('oh\n');
  expect({ status, exitCode }).toEqual({ status: 'success', exitCode: 0 });
});

test('runs timers in order and ends when none is left', async () => {
  const { stdout } = await run(`
    setTimeout(() => console.log('late'), 30);
    setTimeout(() => console.log('soon'), 1);
    Promise.resolve().then(() => console.log('job'));
    console.log('first');`);
  expect(stdout).toBe('first\njob\nsoon\nlate\n');
});

test.each([
  ['for await (const chunk of process.stdin) console.log(chunk.trim().length)', '5\n'],
  ["console.log(require('fs').readFileSync(0, 'utf8').toUpperCase())", 'ONE\nTWO\n\n'],
  ["import { readFileSync } from 'node:fs'; console.log(readFileSync('/dev/stdin').split('\\n')[1])", 'two\n'],
  [
    "const rl = require('readline').createInterface({ input: process.stdin }); rl.on('line', (line) => console.log('>' + line)).on('close', () => console.log('end'))",
    '>one\n>two\nend\n',
  ],
  ["process.stdin.on('data', (text) => console.log(text.length)).on('end', () => console.log('end'))", '8\nend\n'],
])('reads its input: %s', async (code, stdout) => {
  const wanted = code.startsWith('for await') ? '7\n' : stdout;
  expect(await run(code, { stdin: 'one\ntwo\n' })).toMatchObject({ stdout: wanted, stderr: '', exitCode: 0 });
});

test('provides arguments, files, and modules of both kinds', async () => {
  const files = [
    { name: 'lib/sum.js', content: 'export const sum = (a, b) => a + b;' },
    { name: 'old.js', content: "const fs = require('fs');\nmodule.exports = { text: fs.readFileSync('note.txt') };" },
    { name: 'note.txt', content: 'noted' },
  ];
  expect(
    await run("import { sum } from './lib/sum.js';\nconsole.log(sum(1, 2), process.argv.slice(2));", {
      files,
      args: ['a b'],
    }),
  ).toMatchObject({ stdout: "3 [ 'a b' ]\n", stderr: '' });
  expect(await run("console.log(require('./old').text);", { files })).toMatchObject({ stdout: 'noted\n', stderr: '' });
});

test('strips types and keeps enums', async () => {
  const code = `import type { Shape } from './shape.ts';
import { area } from './shape.ts';
enum Size { Small, Large }
const shape: Shape = { side: 3 };
console.log(area(shape), Size[1], shape satisfies Shape as unknown as number);`;
  const shape =
    'export interface Shape { side: number }\nexport const area = (shape: Shape): number => shape.side ** 2;';
  expect(await run(code, { name: 'main.ts', files: [{ name: 'shape.ts', content: shape }] })).toMatchObject({
    stdout: '9 Large { side: 3 }\n',
    stderr: '',
  });
});

test('reports where a program failed', async () => {
  const thrown = await run("function inner() {\n  throw new TypeError('no good');\n}\ninner();");
  expect(thrown).toMatchObject({ status: 'runtime_error', exitCode: 1 });
  expect(thrown.stderr).toMatch(/^TypeError: no good\n\s+at inner \(main\.js:2:\d+\)/);
  expect((await run('let x = ;')).stderr).toMatch(/SyntaxError: .*\n\s+at main\.js:1/);
  expect((await run('await null;\nnope();')).stderr).toMatch(/ReferenceError: nope is not defined\n\s+at .*main\.js:2/);
  expect((await run("async function main() { throw new Error('later') }\nmain();")).stderr).toContain('Error: later');
  expect((await run("setTimeout(() => { throw new Error('timed') }, 1)")).stderr).toContain('Error: timed');
  expect((await run("require('net')")).stderr).toContain("Cannot find module 'net'");
});

test('ends with its exit code and writes nothing afterwards', async () => {
  const code = "console.log('a'); try { process.exit(3) } catch {} console.log('b')";
  expect(await run(code)).toMatchObject({ stdout: 'a\n', stderr: '', exitCode: 3, status: 'runtime_error' });
  expect(await run('process.exitCode = 4')).toMatchObject({ exitCode: 4 });
  expect(await run('process.exit()')).toMatchObject({ exitCode: 0, status: 'success' });
});

test('limits the memory of a program', async () => {
  const { status, exitCode } = await run('const all = []; for (;;) all.push(new Array(1e5).fill(1));');
  expect({ status, exitCode }).toEqual({ status: 'memory_limit', exitCode: -1 });
});

test('hides the page and the worker from a program', async () => {
  const names = [
    'fetch',
    'XMLHttpRequest',
    'WebSocket',
    'postMessage',
    'self',
    'window',
    'document',
    'indexedDB',
    'Worker',
    'WebAssembly',
  ];
  const { stdout } = await run(`console.log(${JSON.stringify(names)}.filter((name) => name in globalThis).join())`);
  expect(stdout).toBe('\n');
});

const samples = LANGUAGE_INFOS.filter(({ id }) => id === 'javascript' || id === 'typescript').flatMap(
  ({ id, mainFile }) => SAMPLES[id].map((sample) => ({ ...sample, name: mainFile })),
);
test.each(samples)('runs the sample $title', async ({ code, stdin = '', name }) => {
  const result = await run(code, { name, stdin });
  expect(result).toMatchObject({ stderr: '', exitCode: 0 });
  expect(result.stdout).not.toBe('');
});
