import { afterAll, beforeAll, expect, test } from 'vitest';
import { LANGUAGE_INFOS } from '#lib/languages/infos';
import { runner } from '#lib/runner/index';

/** Go's library is compiled at the first start. */
const PREPARATION_MS = 600_000;
beforeAll(() => runner().prepared(), PREPARATION_MS);
afterAll(() => runner().close());

const samples = LANGUAGE_INFOS.flatMap(({ id, samples: all }) =>
  all.map((sample) => ({ ...sample, language: id, stdin: sample.stdin ?? '' })),
);

test.each(samples)('the $language sample "$title" writes what demo mode says that it writes', async (sample) => {
  const { language, code, stdin, output } = sample;
  const result = await runner().run(
    { language, code, stdin },
    { caller: 'samples', signal: AbortSignal.timeout(60_000) },
  );
  expect(result).toMatchObject({ status: 'success', stderr: '' });
  if (output === undefined) expect(result.stdout).not.toBe('');
  else expect(result.stdout).toBe(output);
});

test('every language that a browser cannot run has a result to show', () => {
  for (const language of ['java', 'cpp', 'go', 'rust'])
    expect(samples.some((sample) => sample.language === language && sample.output !== undefined)).toBe(true);
});
