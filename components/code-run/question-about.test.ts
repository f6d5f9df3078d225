import { expect, it } from 'vitest';
import type { CodeResult } from '#lib/wire/code';
import { outputFence, outputFenceSource } from './output-fence.ts';
import { questionAbout } from './question-about.ts';
import type { CodeRun } from './use-code-run.ts';

const RESULT: CodeResult = {
  ...{ stdout: '', stderr: '', exit_code: 0, duration_ms: 1, error: null, status: 'success', stage: 'run' },
  ...{ truncated: false, cpu_ms: 1, memory_kb: 1 },
};
const ended = (text: string, result: Partial<CodeResult> = {}): CodeRun => ({
  state: 'ended',
  pieces: text === '' ? [] : [{ stream: 'stdout', text, at: 0 }],
  result: { ...RESULT, ...result },
  place: 'server',
});

it('asks about an output without what controls a terminal', () => {
  const run = ended('\u001b[32mok\u001b[0m\n10%\r100%\n', { status: 'runtime_error', exit_code: 1 });
  expect(questionAbout(run, 'main.py')).toBe(
    'I ran main.py. It exited with code 1. Its output:\n\n```output main.py · exit 1\nok\n100%\n```',
  );
});

it('names how a run ended that did not exit by itself', () => {
  expect(questionAbout(ended('x', { status: 'timeout', exit_code: 137 }), 'main.py')).toContain(
    'I ran main.py. Timed out. Its output:\n\n```output main.py · timed out\nx\n```',
  );
  expect(questionAbout(ended(''), 'main.py')).toBe('I ran main.py. It exited with code 0. It had no output.');
});

it('cuts a long output in the middle', () => {
  const question = questionAbout(ended('y'.repeat(10_000)), 'main.py');
  expect(question).toContain('[… 6000 characters left out …]');
  expect(question.length).toBeLessThan(4_200);
});

it('reads its own info strings, and fences what has fences', () => {
  const text = outputFence('main.py · exit 1', 'a\n```\nb\n````x\n');
  expect(text.startsWith('`````output main.py · exit 1\n')).toBe(true);
  expect(outputFenceSource('output main.py · exit 1')).toBe('main.py · exit 1');
  expect(outputFenceSource('output')).toBeUndefined();
  expect(outputFenceSource('python main.py')).toBeUndefined();
});
