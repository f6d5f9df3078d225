import { beforeEach, expect, it } from 'vitest';
import {
  MAX_PER_ACCOUNT,
  MAX_PER_ADDRESS,
  MAX_PROVIDER_SIGN_INS,
  MAX_UNNAMED_PER_ADDRESS,
  PasswordThrottle,
} from '#lib/people/accounts/password-throttle';
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

it('keeps those in who signed in before at an address that has too many wrong attempts', async () => {
  await throttle.begin('192.0.2.1', 'ada');
  throttle.succeed('192.0.2.1', 'ada');
  for (let index = 0; index < MAX_PER_ADDRESS; index++) await throttle.begin('192.0.2.1', `person ${index}`);
  await expect(throttle.begin('192.0.2.1', 'bo')).rejects.toMatchObject({ code: 'rate_limited' });
  await fail(MAX_PER_ACCOUNT, '192.0.2.1', 'ada');
  await expect(throttle.begin('192.0.2.1', 'ada')).rejects.toMatchObject({ code: 'rate_limited' });
});

it('gives an address back what people mistyped there before they signed in', async () => {
  for (let index = 0; index < 2 * MAX_PER_ADDRESS; index++) {
    await fail(3, '192.0.2.1', `person ${index}`);
    throttle.succeed('192.0.2.1', `person ${index}`);
  }
  for (let index = 0; index < MAX_PER_ADDRESS; index++) await throttle.begin('192.0.2.1', `stranger ${index}`);
  throttle.succeed('192.0.2.1', 'stranger 0');
  await throttle.begin('192.0.2.1', 'one more');
  await expect(throttle.begin('192.0.2.1', 'another')).rejects.toMatchObject({ code: 'rate_limited' });
});

it('takes nothing back of an earlier window of the address', async () => {
  await fail(3, '192.0.2.1', 'ada');
  nowMs += 10 * MINUTE_MS;
  for (let index = 0; index < MAX_PER_ADDRESS; index++) await throttle.begin('192.0.2.1', `person ${index}`);
  throttle.succeed('192.0.2.1', 'ada');
  await expect(throttle.begin('192.0.2.1', 'another')).rejects.toMatchObject({ code: 'rate_limited' });
});

it('counts links of an address apart from passwords', async () => {
  for (let index = 0; index < MAX_PER_ADDRESS; index++) await throttle.begin('192.0.2.1', `person ${index}`);
  await throttle.begin('192.0.2.1', undefined);
  throttle.succeed('192.0.2.1', undefined);
  await fail(MAX_UNNAMED_PER_ADDRESS, '192.0.2.1', undefined);
  await expect(throttle.begin('192.0.2.1', undefined)).rejects.toMatchObject({ code: 'rate_limited' });
});

it('forgets the wrong attempts at an account after a right one', async () => {
  await fail(MAX_PER_ACCOUNT - 1, '192.0.2.1', 'ada');
  throttle.succeed('192.0.2.1', 'ada');
  await fail(MAX_PER_ACCOUNT, '192.0.2.1', 'ada');
});

it('refuses an address that begins too many sign-ins at the provider, apart from passwords', async () => {
  for (let index = 0; index < MAX_PROVIDER_SIGN_INS; index++) throttle.beginAtProvider('192.0.2.1');
  expect(() => throttle.beginAtProvider('192.0.2.1')).toThrow(/Too many sign-ins from this address/);
  throttle.beginAtProvider('192.0.2.2');
  throttle.beginAtProvider(undefined);
  await throttle.begin('192.0.2.1', 'ada');
  nowMs += 10 * MINUTE_MS;
  throttle.beginAtProvider('192.0.2.1');
});

it('counts accounts where the address is unknown, and no address then', async () => {
  await fail(MAX_UNNAMED_PER_ADDRESS + 1, undefined, undefined);
  await fail(MAX_PER_ACCOUNT, undefined, 'ada');
  await expect(throttle.begin(undefined, 'ada')).rejects.toMatchObject({ code: 'rate_limited' });
});
