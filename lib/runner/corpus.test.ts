import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differences, loadCases, testBench } from '#lib/runner/testing';

// A sandbox that breaks honest programs is as wrong as one that lets hostile ones out.
const { runner, leftovers } = testBench();
const PREPARATION_MS = 600_000;
beforeAll(() => runner.prepared(), PREPARATION_MS);
afterAll(() => runner.close());

describe('honest programs', () => {
  it.each(loadCases('lib/runner/corpus'))('$name', async ({ request, expected }) => {
    expect(differences(await runner.run(request, { caller: 'corpus' }), expected)).toEqual([]);
    await expect.poll(leftovers).toEqual([]);
  });
});
