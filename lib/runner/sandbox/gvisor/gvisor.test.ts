import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findCgroupDriver } from '#lib/runner/sandbox/cgroup';
import { probeGvisor } from '#lib/runner/sandbox/probe/probe-gvisor';
import { findMachine } from '#lib/runner/sandbox/probe/probe-machine';
import { PREPARATION_MS, testHostilePrograms } from '../../../../test/support/hostile-programs.ts';
import { differences, loadCorpus } from '../../../../test/support/program-cases.ts';
import { PATIENT_POLL, runnerHarness } from '../../../../test/support/runner-harness.ts';

// The stronger tier passes the same attacks and programs. gVisor handles each system call itself,
// which is slow.
const GVISOR = { SANDBOX: 'gvisor', CODE_MAX_CONCURRENT: '1' };
const PROGRAM_MS = 120_000;

describe('hostile programs, in gVisor', () => {
  testHostilePrograms(runnerHarness({ settings: { ...GVISOR, CODE_COMPILE_TIMEOUT_SECONDS: '15' } }), 'gvisor');
});

describe('hostile programs, in gVisor without control groups', () => {
  const bench = runnerHarness({ settings: GVISOR, controlGroups: () => undefined });
  testHostilePrograms(bench, 'gvisor', /^(resources\/(memory|fork|heap)|time\/daemon).*(?<!java|go)$/);
});

/**
 * Programs about what compilers and interpreters make of a source, which no kernel changes:
 * lib/runner/corpus.test.ts runs them.
 */
const OF_LANGUAGES =
  /\/(?:any_class_name|compile_error|decorators|last_error|legacy_decorators|looks_like_main|never_settled|no_main|no_program|packages|panic|reads_itself|several_packages|syntax_error|uncaught_error|uncaught_exception|unhandled_rejection|unset_variable)\./;

describe('honest programs, in gVisor', () => {
  const settings = { ...GVISOR, CODE_TIMEOUT_SECONDS: '60', CODE_COMPILE_TIMEOUT_SECONDS: '100' };
  const { runner, leaks: leftovers } = runnerHarness({ settings });
  beforeAll(() => runner.prepared(), PREPARATION_MS);
  afterAll(() => runner.close());

  const programs = loadCorpus('gvisor').filter(({ name }) => !OF_LANGUAGES.test(name));

  it.each(programs)('$name', { timeout: PROGRAM_MS }, async ({ request, expected }) => {
    expect(differences(await runner.run(request, { caller: 'corpus' }), expected)).toEqual([]);
    await expect.poll(leftovers, PATIENT_POLL).toEqual([]);
  });

  it('is reported by health and by the statistics', async () => {
    const health = await runner.health();
    expect(health.sandbox).toBe('gvisor');
    expect(health.languages).toContain('python');
    expect(runner.stats().sandbox).toBe('gvisor');
  });

  it('sends output while the program runs, and ends with its caller', async () => {
    const left = new AbortController();
    const code = 'import os, time\nos.write(1, b"on\\n")\ntime.sleep(60)';
    const result = await runner.run(
      { language: 'python', code },
      { caller: 'a', signal: left.signal, onOutput: () => left.abort() },
    );
    expect(result).toMatchObject({ status: 'killed', stdout: 'on\n' });
    await expect.poll(leftovers, PATIENT_POLL).toEqual([]);
  });
});

describe('SANDBOX=gvisor on a machine that cannot', () => {
  it.each([
    [
      'where runsc is not installed',
      [],
      /^Code cannot be run here: SANDBOX=gvisor, but runsc is not installed\. Install it/,
    ],
    ['where it does not work', ['/bin/false'], /but gVisor does not work on this machine/],
    ['where it does not contain the probe', ['/bin/echo'], /but gVisor does not work on this machine/],
  ])('is refused with a sentence %s', async (_where, places, sentence) => {
    const found = await findMachine(process.cwd(), findCgroupDriver());
    if (found.machine === undefined) throw new Error(found.reason);
    const probed = await probeGvisor(found.machine, places);
    expect(probed.sandbox).toBeUndefined();
    expect(probed).toMatchObject({ reason: expect.stringMatching(sentence) });
  });
});
