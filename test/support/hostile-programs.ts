import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findLanguage } from '#lib/languages/index';
import type { Tier } from '#lib/runner/sandbox/sandbox';
import { differences, loadAttacks } from './program-cases.ts';
import { PATIENT_POLL, poolRefilled, type RunnerHarness } from './runner-harness.ts';

/**
 * For a bench of hostile programs: none of its compilers needs long, and every kind of sandbox may
 * wait.
 */
export const HOSTILE_SETTINGS = { CODE_COMPILE_TIMEOUT_SECONDS: '10', CODE_WARM_MEMORY_MB: '4096' };
/** Go's library is compiled at the first start. */
export const PREPARATION_MS = 600_000;
const ATTACK_MS = 60_000;
/** For compilers that end by this limit alone, whatever it is. */
const ENDLESS_COMPILE_SECONDS = 3;

/**
 * Declares a test for each attack (of `classes`): it ends as expected in this tier, reaches no
 * listener, leaves nothing, and the next program runs.
 */
export function testHostilePrograms(
  { runner, leaks: leftovers, settle, warmRuns: handedOver, limitCompilers }: RunnerHarness,
  tier: Tier,
  classes = /./,
): void {
  // It is in the names of the tests' programs, and none of the ports that connections get.
  const port = 20_000 + (process.pid % 12_000);
  const reached: string[] = [];
  const listeners: Server[] = [];
  const listen = (address: string | number): Promise<void> => {
    const server = createServer((socket) => {
      reached.push(String(address));
      socket.destroy();
    });
    listeners.push(server);
    return new Promise((resolve, reject) => {
      server.on('error', reject);
      if (typeof address === 'number') server.listen(address, '127.0.0.1', resolve);
      else server.listen({ path: address }, resolve);
    });
  };
  /** Attacks that ran in a warm sandbox. */
  let met = 0;
  const responses = () => runner.run({ language: 'python', code: 'print(6 * 7)' }, { caller: 'honest' });
  const cases = loadAttacks(port, tier).filter(({ name }) => classes.test(name));

  beforeAll(async () => {
    await listen(port);
    await listen(`\0chill-space-test-${port}`);
    expect(await runner.health()).toMatchObject({ sandbox: tier });
    await runner.prepared();
    // What waits is set up while the tests go on: descriptors come and go for a moment, and what
    // stays is a leak. From the second run on, a language's programs are run by sandboxes that
    // waited for them: attacks are tried against those.
    for (const { language } of new Map(cases.map(({ request }) => [request.language, request])).values())
      await runner.run({ language, code: findLanguage(language)?.helloProgram ?? '' }, { caller: 'honest' });
    await poolRefilled();
    await settle();
  }, PREPARATION_MS);
  afterAll(async () => {
    await runner.close();
    for (const server of listeners) server.close();
  });

  const numbered = cases.map((one, place) => ({ ...one, place }));
  it.each(numbered)('$name', { timeout: ATTACK_MS }, async ({ request, expected, compilesEndlessly, place }) => {
    await poolRefilled();
    const before = handedOver();
    limitCompilers(compilesEndlessly ? ENDLESS_COMPILE_SECONDS : undefined);
    const result = await runner.run(request, { caller: 'hostile' });
    limitCompilers();
    if (handedOver() > before) met += 1;
    expect(differences(result, expected)).toEqual([]);
    expect(reached).toEqual([]);
    await expect.poll(leftovers, PATIENT_POLL).toEqual([]);
    // Where the next one has to write something, it shows that programs still run.
    const { stdout, stdout_matches: pattern } = cases[place + 1]?.expected ?? {};
    if (!stdout && pattern === undefined) expect((await responses()).stdout).toBe('42\n');
  });

  // This tier's sandboxes wait for programs, hostile ones too.
  if (tier === 'bubblewrap')
    it('were tried against sandboxes that waited for them, all but those of several files', () => {
      expect(met).toBeGreaterThan(0.8 * cases.length);
    });
}
