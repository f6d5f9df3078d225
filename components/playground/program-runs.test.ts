import { expect, test } from 'vitest';
import type { CodeResult } from '#lib/wire/code';
import type { CodeRun } from '../code-run/use-code-run.ts';
import { messageAbout } from './ask-about.ts';
import { emptyProgram } from './program.ts';
import { downloads, programOf, readTextFiles, validName, withFiles } from './program-files.ts';
import { NO_RUN, parseRun, serializeRun } from './program-runs.ts';
import { MAX_FILES, newFile } from './workspace.ts';

const result: CodeResult = {
  ...{ stdout: 'out\n', stderr: 'oh', exit_code: 1, duration_ms: 5, error: null, status: 'runtime_error' },
  ...{ stage: 'run', truncated: false, cpu_ms: 4, memory_kb: 900 },
};
const ended: CodeRun = {
  state: 'ended',
  pieces: [
    { stream: 'stdout', text: 'out\n', at: 0 },
    { stream: 'stderr', text: 'oh', at: 4 },
  ],
  result,
  place: 'server',
};

test('stores a run whole, and one that is running as stopped', () => {
  expect(parseRun(serializeRun(ended))).toEqual(ended);
  const running: CodeRun = { state: 'running', pieces: ended.pieces, startedAt: 1 };
  expect(parseRun(serializeRun(running))).toEqual({ state: 'stopped', pieces: ended.pieces });
  for (const text of ['', '{}', '{"state":"ended","pieces":[]}', '{"state":"idle","pieces":[]}'])
    expect(parseRun(text)).toBeUndefined();
});

test('writes a message with the program and its output, without what controls a terminal', () => {
  const program = { ...emptyProgram('a', 'python'), files: [newFile('main.py', 'print("```")')] as const };
  expect(messageAbout(program, NO_RUN)).toBe('About this Python program:\n\n````python\nprint("```")\n````\n\n');
  const coloured: CodeRun = { ...ended, pieces: [{ stream: 'stdout', text: '\u001b[31mred\u001b[0m\n', at: 0 }] };
  expect(messageAbout(program, coloured)).toContain('Its output (exit code 1):\n\n```\nred\n```');
  const long: CodeRun = { ...ended, pieces: [{ stream: 'stdout', text: 'x'.repeat(9_000), at: 0 }] };
  const backticks = newFile('main.py', '` '.repeat(500_000));
  expect(messageAbout({ ...program, files: [backticks] }, NO_RUN)).toContain('```python\n` `');
  expect(messageAbout(program, long).length).toBeLessThan(4_300);
});

test('reads text files and names the others', async () => {
  const { files, problems } = await readTextFiles([
    new File(['a = 1'], 'ä data (1).py'),
    new File([new Uint8Array([0, 1, 2])], 'image.bin'),
    new File([new Uint8Array([0xff, 0xfe])], 'latin.txt'),
    new File(['x'.repeat(300_000)], 'big.csv'),
  ]);
  expect(files).toEqual([{ name: 'a data 1.py', content: 'a = 1' }]);
  expect(problems).toEqual([
    'image.bin is not a text file.',
    'latin.txt is not a text file.',
    expect.stringMatching(/^big\.csv is too large \(.*; the limit is .*\)\.$/),
  ]);
  expect(validName('…')).toBe('file');
});

test('makes a program of files, whose main one is that of a language', () => {
  const csv = { name: 'data.csv', content: '1,2' };
  expect(programOf('a', [csv, { name: 'sum.js', content: 'x' }], 'python')).toMatchObject({
    ...{ name: 'sum', language: 'javascript' },
    files: [{ name: 'main.js', content: 'x' }, csv],
  });
  expect(programOf('a', [csv], 'python')?.files).toMatchObject([{ name: 'main.py', content: '' }, csv]);
});

test('replaces a file of the same name, and adds no more than the limit', () => {
  const program = emptyProgram('a', 'python');
  const many = Array.from({ length: 30 }, (_, index) => ({ name: `f${index % 25}.txt`, content: `${index}` }));
  const { files } = withFiles(program, [{ name: 'main.py', content: 'mine' }, ...many]);
  expect(files).toHaveLength(MAX_FILES);
  expect(files[0].content).toBe('mine');
  expect(files[1]).toMatchObject({ name: 'f0.txt', content: '25' });
});

test('downloads a single file under the name of the program, and several under their own', () => {
  const program = { ...emptyProgram('a', 'python'), name: 'My sieve, 2' };
  expect(downloads(program).map(({ name }) => name)).toEqual(['my-sieve-2.py']);
  expect(downloads(withFiles(program, [{ name: 'lib/util.py', content: '' }])).map(({ name }) => name)).toEqual([
    'main.py',
    'util.py',
  ]);
  const java = { ...emptyProgram('a', 'java'), files: [newFile('Main.java', 'public class App { }')] as const };
  expect(downloads(java).map(({ name }) => name)).toEqual(['App.java']);
});
