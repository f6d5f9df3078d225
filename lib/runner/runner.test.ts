import { afterEach, describe, expect, it } from 'vitest';
import { readConfig } from '#lib/config/config';
import { createRunner, type Runner } from '#lib/runner/runner';
import { type ProbeResult, probe } from '#lib/runner/sandbox/probe/probe';
import { createLog } from '#lib/telemetry/log';
import { PATIENT_POLL, runnerHarness } from '../../test/support/runner-harness.ts';

const open: Runner[] = [];
afterEach(async () => {
  for (const runner of open.splice(0)) await runner.close();
});

function bench(settings: Record<string, string> = {}, cores = 2) {
  const made = runnerHarness({ settings, cores });
  open.push(made.runner);
  return made;
}

const HELLO = { language: 'python', code: 'print("hello")' };
const SLEEP = { language: 'python', code: 'import os, time; os.write(1, b"up\\n"); time.sleep(60)' };

/** Starts a program that runs until `free`; resolves when it runs. */
async function occupy(runner: Runner, caller: string) {
  const end = new AbortController();
  const started = Promise.withResolvers<void>();
  const result = runner.run(SLEEP, { caller, signal: end.signal, onOutput: () => started.resolve() });
  await started.promise;
  return {
    free: async () => {
      end.abort();
      return result;
    },
  };
}

describe('the runner', () => {
  it('refuses runs without a sandbox, and probes again for the next request', async () => {
    const results: ProbeResult[] = [{ sandbox: undefined, reason: 'Install it.' }];
    const runner = createRunner({
      settings: readConfig({}),
      cores: 1,
      log: createLog('silent', { write: () => {} }),
      probe: async () => results.pop() ?? probe('bubblewrap', process.cwd()),
    });
    open.push(runner);
    expect(await runner.health()).toMatchObject({ sandbox: 'unavailable', languages: [], notices: ['Install it.'] });
    results.push({ sandbox: undefined, reason: 'Install it.' });
    await expect(runner.run(HELLO, { caller: 'a' })).rejects.toMatchObject({
      code: 'sandbox_unavailable',
      message: 'Install it.',
    });
    expect((await runner.run(HELLO, { caller: 'a' })).stdout).toBe('hello\n');
    expect((await runner.health()).sandbox).toBe('bubblewrap');
  });

  it('reports a sandbox that cannot be probed, and probes again for the next request', async () => {
    const failures = [new Error('spawn EACCES'), new Error('spawn EACCES')];
    const runner = createRunner({
      settings: readConfig({}),
      cores: 1,
      log: createLog('silent', { write: () => {} }),
      probe: async () => {
        const failure = failures.pop();
        if (failure !== undefined) throw failure;
        return probe('bubblewrap', process.cwd());
      },
    });
    open.push(runner);
    const health = await runner.health();
    expect(health).toMatchObject({ sandbox: 'unavailable', languages: [] });
    expect(health.notices).toEqual([expect.stringMatching(/^Code cannot be run here: .*\.$/)]);
    expect(health.notices?.[0]).not.toContain('EACCES');
    await expect(runner.run(HELLO, { caller: 'a' })).rejects.toMatchObject({ code: 'sandbox_unavailable' });
    expect((await runner.run(HELLO, { caller: 'a' })).stdout).toBe('hello\n');
  });

  it('runs bare only where the operator says so, and then says so', async () => {
    const { runner } = bench({ SANDBOX: 'none' });
    const health = await runner.health();
    expect(health.sandbox).toBe('none');
    expect(health.notices?.[0]).toMatch(/^SANDBOX=none: programs run without any sandbox/);
    expect(await runner.run(HELLO, { caller: 'a' })).toMatchObject({ stdout: 'hello\n', status: 'success' });
    const slow = await runner.run({ ...SLEEP, timeout: 0.5 }, { caller: 'a' });
    expect(slow).toMatchObject({ status: 'timeout', stdout: 'up\n', exit_code: 137 });
    const files = [{ name: 'lib/a.mjs', content: 'export default 42;' }];
    const code = 'import a from "./lib/a.mjs"; console.log(a);';
    expect((await runner.run({ language: 'js', code, files }, { caller: 'a' })).stdout).toBe('42\n');
    expect(runner.stats().sandbox).toBe('none');
  });

  it('keeps later callers waiting, refuses where the line is full, and counts all of it', async () => {
    const { runner } = bench({ CODE_MAX_CONCURRENT: '1', CODE_MAX_QUEUE: '2' });
    const first = await occupy(runner, 'a');
    const second = runner.run(HELLO, { caller: 'a' });
    const third = runner.run(HELLO, { caller: 'a' }).catch((fault: unknown) => fault);
    await expect.poll(() => runner.stats().waiting).toBe(2);
    await expect(runner.run(HELLO, { caller: 'a' })).rejects.toMatchObject({ code: 'runner_busy' });
    // The newest run of the caller with most gives way.
    const other = runner.run(HELLO, { caller: 'b' });
    expect(await third).toMatchObject({ code: 'runner_busy' });
    expect(runner.stats()).toMatchObject({ active: 1, waiting: 2, max_concurrent: 1 });
    expect(await first.free()).toMatchObject({ status: 'killed', stdout: 'up\n' });
    expect((await other).stdout).toBe('hello\n');
    expect((await second).stdout).toBe('hello\n');
    const { active, waiting, total_runs, runs, duration_ms } = runner.stats();
    expect({ active, waiting, total_runs }).toEqual({ active: 0, waiting: 0, total_runs: 3 });
    expect(runs).toEqual(
      expect.arrayContaining([
        { language: 'python', status: 'success', count: 2 },
        { language: 'python', status: 'killed', count: 1 },
      ]),
    );
    expect(duration_ms.p50).toBeGreaterThan(0);
  });

  it.each(['javascript', 'typescript', 'java'])(
    'starts %s with the fewest processes that may be set',
    { timeout: 60_000 },
    async (language) => {
      const { runner } = bench({ CODE_MAX_PROCESSES: '32' });
      const code =
        language === 'java'
          ? 'class A { public static void main(String[] args) { System.out.println("up"); } }'
          : 'console.log("up")';
      expect(await runner.run({ language, code }, { caller: 'a' })).toMatchObject({
        status: 'success',
        stdout: 'up\n',
      });
    },
  );

  it('checks a program while every run has to wait, and runs one while every check has to', async () => {
    const { runner } = bench({ CODE_MAX_CONCURRENT: '1', CODE_MAX_QUEUE: '0' });
    const first = await occupy(runner, 'a');
    await expect(runner.run(HELLO, { caller: 'a' })).rejects.toMatchObject({ code: 'runner_busy' });
    const check = runner.validate(HELLO, { caller: 'a' });
    expect(await check).toMatchObject({ isValid: true });
    await first.free();
    const checks = await Promise.allSettled(
      [HELLO, HELLO, HELLO].map((program) => runner.validate(program, { caller: 'a' })),
    );
    expect(checks.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    const [run] = await Promise.all([runner.run(HELLO, { caller: 'a' }), runner.validate(HELLO, { caller: 'a' })]);
    expect(run.stdout).toBe('hello\n');
  });

  it('lets a waiting caller go, and runs nothing for it', async () => {
    const { runner } = bench({ CODE_MAX_CONCURRENT: '1' });
    const first = await occupy(runner, 'a');
    const left = new AbortController();
    const waiting = runner.run(HELLO, { caller: 'b', signal: left.signal });
    const refused = expect(waiting).rejects.toMatchObject({ code: 'cancelled' });
    await expect.poll(() => runner.stats().waiting).toBe(1);
    left.abort();
    await refused;
    await first.free();
    expect(runner.stats().total_runs).toBe(1);
  });

  it('ends what runs when it is closed, and takes nothing more', async () => {
    const { runner, leaks: leftovers } = bench();
    const end = new AbortController();
    const started = Promise.withResolvers<void>();
    const going = runner.run(SLEEP, { caller: 'a', signal: end.signal, onOutput: () => started.resolve() });
    await started.promise;
    await runner.close();
    expect(await going).toMatchObject({ status: 'killed' });
    await expect(runner.run(HELLO, { caller: 'a' })).rejects.toMatchObject({ code: 'shutting_down' });
    await expect.poll(leftovers, PATIENT_POLL).toEqual([]);
    open.length = 0;
  });

  it('hands on output while the program runs, which joined is what the result holds', async () => {
    const { runner } = bench();
    const pieces: string[] = [];
    const code = 'import time\nfor i in range(3):\n    print(i, "é")\n    time.sleep(0.05)';
    const result = await runner.run(
      { language: 'python', code },
      { caller: 'a', onOutput: (_stream, text) => pieces.push(text) },
    );
    expect(pieces.length).toBeGreaterThan(1);
    expect(pieces.join('')).toBe(result.stdout);
  });

  it('reports a compiled program that is too large for the disk', async () => {
    const { runner } = bench({ CODE_COMPILE_TIMEOUT_SECONDS: '60', CODE_COMPILE_MEMORY_MB: '1024' });
    const array = (megabytes: number) =>
      `static char a[${megabytes} << 20] = {1};\nint main(int count, char**) { return a[count]; }\n`;
    const [large, larger] = await Promise.all(
      [70, 400].map((megabytes) => runner.run({ language: 'cpp', code: array(megabytes) }, { caller: 'a' })),
    );
    expect(large).toMatchObject({
      status: 'output_limit',
      stage: 'compile',
      error: 'The compiled program is larger than 64 MB, which is the limit.',
    });
    expect(larger).toMatchObject({
      status: 'compile_error',
      error: 'The program does not compile: it needs more than the 256 MB of disk that compilers have.',
    });
  }, 120_000);

  it('compiles the same program once, and another one again', async () => {
    const { runner, leaks: leftovers } = bench();
    const source = (text: string) => ({
      language: 'cpp',
      code: `#include <cstdio>\nint main() { int unused; std::puts(${JSON.stringify(text)}); return 0; }\n#warning seen`,
    });
    const first = await runner.run(source('one'), { caller: 'a' });
    const again = await runner.run(source('one'), { caller: 'b' });
    const lookUps = [again, await runner.run(source('one'), { caller: 'b' })];
    const other = await runner.run(source('two'), { caller: 'a' });
    expect([first.stdout, again.stdout, other.stdout]).toEqual(['one\n', 'one\n', 'two\n']);
    expect(again.compile?.stderr).toBe(first.compile?.stderr);
    expect(first.compile?.stderr).toContain('seen');
    // Looking up is quicker than any compiler by orders of magnitude, unless a core is taken away.
    const lookUpMs = Math.min(...lookUps.map(({ compile }) => compile?.duration_ms ?? Number.POSITIVE_INFINITY));
    expect(lookUpMs).toBeLessThan((first.compile?.duration_ms ?? 0) / 10);
    expect(other.compile?.duration_ms).toBeGreaterThan((first.compile?.duration_ms ?? 0) / 10);
    await expect.poll(leftovers, PATIENT_POLL).toEqual([]);
  });
});
