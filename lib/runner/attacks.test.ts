import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findLanguage } from '#lib/runner/languages/index';
import { differences, loadCases, PATIENTLY, testBench } from '#lib/runner/testing';

// Every attack runs in the real sandbox. Where there is none, these fail: containment that was not tried is not there.
const port = 20_000 + (process.pid % 20_000);
/** Go's library is compiled at the first start. */
const PREPARATION_MS = 600_000;
const IMPATIENT = { CODE_COMPILE_TIMEOUT_SECONDS: '10', CODE_WARM_MEMORY_MB: '4096' };
const ATTACK_MS = 60_000;
const reached: string[] = [];
const listeners: Server[] = [];

function listen(address: string | number): Promise<void> {
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
}

/** Without control groups a watchdog bounds memory: the attacks that use things up are tried against it too. */
const BENCHES = [
  { name: 'with the control groups of this machine', bench: testBench({ settings: IMPATIENT }), classes: /./ },
  {
    name: 'without control groups',
    bench: testBench({ settings: IMPATIENT, controlGroups: () => undefined }),
    classes: /^(resources|time|output)\/.*(?<!java|go)$/,
  },
];

beforeAll(async () => {
  await listen(port);
  await listen(`\0chill-space-test-${port}`);
});
afterAll(() => {
  for (const server of listeners) server.close();
});

describe.each(BENCHES)('hostile programs, $name', ({ bench, classes }) => {
  const { runner, leftovers, settle } = bench;
  const answers = () => runner.run({ language: 'python', code: 'print(6 * 7)' }, { caller: 'honest' });
  const cases = loadCases('lib/runner/attacks', port).filter(({ name }) => classes.test(name));

  beforeAll(async () => {
    expect((await runner.health()).sandbox).toBe('bubblewrap');
    await runner.prepared();
    // What waits is set up while the tests go on: descriptors come and go for a moment, and what stays is a leak.
    // From the second run on, a language's programs are run by sandboxes that waited for them: attacks are tried against those.
    for (const { language } of new Map(cases.map(({ request }) => [request.language, request])).values())
      await runner.run({ language, code: findLanguage(language)?.sample ?? '' }, { caller: 'honest' });
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    settle();
  }, PREPARATION_MS);
  afterAll(() => runner.close());

  it.each(cases)('$name', { timeout: ATTACK_MS }, async ({ request, expected }) => {
    expect(differences(await runner.run(request, { caller: 'hostile' }), expected)).toEqual([]);
    expect(reached).toEqual([]);
    await expect.poll(leftovers, PATIENTLY).toEqual([]);
    expect((await answers()).stdout).toBe('42\n');
  });
});
