import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findLanguage, LANGUAGES } from '#lib/languages/index';
import { differences, loadCorpus } from '../../test/support/program-cases.ts';
import { PATIENT_POLL, poolRefilled, runnerHarness } from '../../test/support/runner-harness.ts';

// A sandbox that breaks honest programs is as wrong as one that lets hostile ones out.
const PREPARATION_MS = 600_000;
/** Compiling headers of C++ takes seconds, and more on busy cores. */
const PATIENT = { CODE_COMPILE_TIMEOUT_SECONDS: '100' };
const PROGRAM_MS = 120_000;
const BENCHES = [
  { name: 'each in a sandbox made for it', megabytes: '0' },
  { name: 'each in a sandbox that waited for it', megabytes: '4096' },
];

describe.each(BENCHES)('honest programs, $name', ({ megabytes }) => {
  const isWarm = megabytes !== '0';
  const {
    runner,
    leaks: leftovers,
    warmRuns: handedOver,
  } = runnerHarness({ settings: { ...PATIENT, CODE_WARM_MEMORY_MB: megabytes } });

  beforeAll(async () => {
    await runner.prepared();
    if (!isWarm) return;
    for (const { id, helloProgram: sample } of LANGUAGES)
      await runner.run({ language: id, code: sample }, { caller: 'corpus' });
    await poolRefilled();
  }, PREPARATION_MS);
  afterAll(() => runner.close());

  it.each(loadCorpus())('$name', { timeout: PROGRAM_MS }, async ({ request, expected }) => {
    await poolRefilled();
    const before = handedOver();
    expect(differences(await runner.run(request, { caller: 'corpus' }), expected)).toEqual([]);
    await expect.poll(leftovers, PATIENT_POLL).toEqual([]);
    const language = findLanguage(request.language);
    if (!isWarm) expect(handedOver()).toBe(0);
    // A native program of several files has nowhere to wait.
    else if (language?.warm !== undefined || (language?.nativeBinds !== undefined && request.files === undefined))
      expect(handedOver()).toBeGreaterThan(before);
  });
});

// What is refused or pretended there, because nothing else bounds it, must not be what honest
// programs need.
describe('honest programs, without control groups', () => {
  const { runner, leaks: leftovers } = runnerHarness({ settings: PATIENT, controlGroups: () => undefined });
  afterAll(() => runner.close());

  it.each(loadCorpus().filter(({ name }) => /^(python|javascript)\//.test(name)))(
    '$name',
    { timeout: PROGRAM_MS },
    async ({ request, expected }) => {
      expect(differences(await runner.run(request, { caller: 'corpus' }), expected)).toEqual([]);
      await expect.poll(leftovers, PATIENT_POLL).toEqual([]);
    },
  );
});
