import { beforeEach, expect, it } from 'vitest';
import { MAX_PER_ACCOUNT, MAX_PER_ADDRESS, PasswordThrottle } from '#lib/people/accounts/password-throttle';
import { MINUTE_MS } from '#lib/units';

let nowMs: number;
let waits: number[];
let throttle: PasswordThrottle;

beforeEach(() => {
  nowMs = 1_000_000;
  waits = [];
  throttle = new PasswordThrottle({ now: () => nowMs, sleep: async (ms) => waits.push(ms) });
});

async function fail(times: number, address: string | undefined, account: string | undefined): Promise<void> {
  for (let attempt = 0; attempt < times; attempt++) await throttle.begin(address, account);
}

it('waits longer after each wrong attempt, and refuses the one above the bound until its window ends', async () => {
  await fail(MAX_PER_ACCOUNT, '192.0.2.1', 'ada');
  expect(waits).toEqual([200, 400, 800, 1600, 3000, 3000, 3000, 3000]);
  await expect(throttle.begin('192.0.2.2', 'ada')).rejects.toMatchObject({
    code: 'rate_limited',
    retryAfterSeconds: 15 * 60,
  });
  nowMs += 15 * MINUTE_MS;
  await throttle.begin('192.0.2.2', 'ada');
});

it('counts each account for itself, and all attempts of an address together', async () => {
  for (let index = 0; index < MAX_PER_ADDRESS; index++) await throttle.begin('192.0.2.1', `person ${index}`);
  expect(waits).toEqual([]);
  await expect(throttle.begin('192.0.2.1', 'another')).rejects.toMatchObject({ code: 'rate_limited' });
  await throttle.begin('192.0.2.2', 'another');
});

it('keeps the owner in at an address that signed in before, with its own bound', async () => {
  await throttle.begin('198.51.100.1', 'ada');
  throttle.succeed('198.51.100.1', 'ada');
  await fail(MAX_PER_ACCOUNT, '192.0.2.1', 'ada');
  await throttle.begin('198.51.100.1', 'ada');
  await fail(MAX_PER_ACCOUNT - 1, '198.51.100.1', 'ada');
  await expect(throttle.begin('198.51.100.1', 'ada')).rejects.toMatchObject({ code: 'rate_limited' });
});

it('forgets the wrong attempts at an account after a right one', async () => {
  await fail(MAX_PER_ACCOUNT - 1, '192.0.2.1', 'ada');
  throttle.succeed('192.0.2.1', 'ada');
  await fail(MAX_PER_ACCOUNT, '192.0.2.1', 'ada');
});

it('counts accounts where the address is unknown, and no address then', async () => {
  await fail(MAX_PER_ADDRESS + 1, undefined, undefined);
  await fail(MAX_PER_ACCOUNT, undefined, 'ada');
  await expect(throttle.begin(undefined, 'ada')).rejects.toMatchObject({ code: 'rate_limited' });
});
