import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { differences, loadCases, testBench } from '#lib/runner/testing';

// Every attack runs in the real sandbox. Where there is none, these fail: containment that was not tried is not there.
const { runner, leftovers, settle } = testBench();
const port = 20_000 + (process.pid % 20_000);
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

const answers = () => runner.run({ language: 'python', code: 'print(6 * 7)' }, { caller: 'honest' });

beforeAll(async () => {
  await listen(port);
  await listen(`\0chill-space-test-${port}`);
  expect((await runner.health()).sandbox).toBe('bubblewrap');
  await answers();
  settle();
});
afterAll(async () => {
  await runner.close();
  for (const server of listeners) server.close();
});

describe('hostile programs', () => {
  it.each(loadCases('lib/runner/attacks', port))('$name', async ({ request, expected }) => {
    expect(differences(await runner.run(request, { caller: 'hostile' }), expected)).toEqual([]);
    expect(reached).toEqual([]);
    expect(leftovers()).toEqual([]);
    expect((await answers()).stdout).toBe('42\n');
  });
});
