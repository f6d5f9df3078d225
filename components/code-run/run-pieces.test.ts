import { expect, it, vi } from 'vitest';
import type { CodeResult } from '#lib/wire/code';
import { type CodeRun, follow, fromResult } from './use-code-run.ts';

const RESULT: CodeResult = {
  ...{ stdout: '', stderr: '', exit_code: 1, duration_ms: 1, error: null, status: 'compile_error', stage: 'compile' },
  ...{ truncated: false, cpu_ms: 1, memory_kb: 1 },
};
const compile = { stdout: '', stderr: 'main.rs:1: error\n', exit_code: 1, duration_ms: 1 };

it("shows a compiler's output once, wherever the result has it", () => {
  const shown = [{ stream: 'stderr', text: 'main.rs:1: error\n', at: 0 }];
  expect(fromResult({ ...RESULT, stderr: compile.stderr, compile })).toEqual(shown);
  expect(fromResult({ ...RESULT, compile })).toEqual(shown);
});

it('does not take warnings of the compiler for output of the program', () => {
  expect(fromResult({ ...RESULT, status: 'success', stage: 'run', exit_code: 0, compile })).toEqual([]);
});

it('names the program when the server ends during a run', async () => {
  vi.stubGlobal('fetch', async () => new Response('event: stdout\ndata: {"text":"1\\n"}\n\n'));
  const shown: CodeRun[] = [];
  vi.stubGlobal('requestAnimationFrame', () => 0);
  vi.stubGlobal('cancelAnimationFrame', () => undefined);
  await follow({ code: 'x', language: 'python' }, 'server', new AbortController().signal, (run) => shown.push(run));
  vi.unstubAllGlobals();
  expect(shown.at(-1)).toMatchObject({
    ...{ state: 'failed', message: 'Connection lost before the program ended. Run it again.' },
    pieces: [{ text: '1\n' }],
  });
});
