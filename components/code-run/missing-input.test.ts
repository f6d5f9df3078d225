import { expect, it } from 'vitest';
import type { CodeResult } from '#lib/wire/code';
import { missingInput } from './missing-input.ts';

const OK: CodeResult = {
  ...{ stdout: '', stderr: '', exit_code: 0, duration_ms: 1, error: null, status: 'success', stage: 'run' },
  ...{ truncated: false, cpu_ms: 1, memory_kb: 1 },
};
const failed = (stderr: string): CodeResult => ({ ...OK, status: 'runtime_error', exit_code: 1, stderr });
const EOF = 'Traceback (most recent call last):\n  File "main.py", line 1\nEOFError: EOF when reading a line\n';
const NO_LINE =
  'Exception in thread "main" java.util.NoSuchElementException: No line found\n\tat Main.main(Main.java:4)\n';

it.each([
  ['python', 'name = input("name? ")', failed(EOF)],
  ['java', 'new Scanner(System.in).nextLine();', failed(NO_LINE)],
])('finds that a %s program asked for input', (language, code, result) => {
  expect(missingInput({ language, code }, result)).toBe('asked');
});

it.each([
  ['python', 'import sys\nfor line in sys.stdin:\n    print(line)'],
  ['javascript', "const text = require('fs').readFileSync(0, 'utf8')"],
  ['typescript', 'process.stdin.on("data", () => {})'],
  ['cpp', 'int n; std::cin >> n;'],
  ['c', 'scanf("%d", &n);'],
  ['go', 'fmt.Scanln(&n)'],
  ['rust', 'io::stdin().read_line(&mut text)'],
  ['bash', 'read -r name'],
])('finds that a %s program reads input', (language, code) => {
  expect(missingInput({ language, code }, OK)).toBe('reads');
  expect(missingInput({ language, code: 'x', files: [{ name: 'a', content: code }] }, OK)).toBe('reads');
});

it('says nothing of programs that had input, read none, or were stopped', () => {
  const code = 'name = input()';
  expect(missingInput({ language: 'python', code, stdin: 'Ada' }, failed(EOF))).toBeUndefined();
  expect(missingInput({ language: 'python', code: 'print(1)' }, OK)).toBeUndefined();
  expect(missingInput({ language: 'python', code }, { ...OK, status: 'timeout' })).toBeUndefined();
  expect(missingInput({ language: 'cobol', code }, OK)).toBeUndefined();
});
