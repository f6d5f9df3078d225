import { afterAll, beforeAll, expect, test } from 'vitest';
import { LANGUAGE_INFOS } from '#lib/languages/infos';
import { SAMPLES } from '#lib/languages/samples';
import { runnerHarness } from '../../test/support/runner-harness.ts';

const { runner } = runnerHarness();
/** Go's library is compiled at the first start. */
const PREPARATION_MS = 600_000;
beforeAll(() => runner.prepared(), PREPARATION_MS);
afterAll(() => runner.close());

const samples = LANGUAGE_INFOS.flatMap(({ id }) =>
  SAMPLES[id].map((sample) => ({ ...sample, language: id, stdin: sample.stdin ?? '' })),
);

test.each(samples)('the $language sample "$title" prints the output that demo mode shows', async (sample) => {
  const { language, code, stdin, output } = sample;
  const result = await runner.run(
    { language, code, stdin },
    { caller: 'samples', signal: AbortSignal.timeout(60_000) },
  );
  expect(result).toMatchObject({ status: 'success', stderr: '' });
  if (output === undefined) expect(result.stdout).not.toBe('');
  else expect(result.stdout).toBe(output);
});

test('every language that a browser cannot run has a sample with its output', () => {
  for (const { id, demoEngine } of LANGUAGE_INFOS)
    expect(demoEngine !== undefined || SAMPLES[id].some(({ output }) => output !== undefined)).toBe(true);
});
