import { beforeEach, expect, it } from 'vitest';
import { acceptKey, MAX_FAILED_KEYS, mayUseKey, recordFailedKey } from '#lib/http/failed-keys';
import { resetSingleton } from '#lib/singletons';

beforeEach(() => {
  resetSingleton('http.failed-keys');
  resetSingleton('http.known-keys');
});

/** From here on the address may use the keys only that it has used before. */
function throttle(address: string): void {
  for (let index = 0; index < MAX_FAILED_KEYS; index++) recordFailedKey(address, `wrong ${index}`, 'key');
}

const known = (address: string, keys: readonly string[]) => keys.filter((key) => mayUseKey(address, key, 'key'));

it('remembers a bounded number of keys of an address, those that were used last', () => {
  const keys = Array.from({ length: 2_100 }, (_, index) => `key ${index}`);
  for (const key of keys.slice(0, 2_000)) acceptKey('192.0.2.1', key, 'key');
  acceptKey('192.0.2.1', 'key 0', 'key');
  for (const key of keys.slice(2_000)) acceptKey('192.0.2.1', key, 'key');
  throttle('192.0.2.1');
  expect(known('192.0.2.1', keys)).toEqual(['key 0', ...keys.slice(101)]);
});

it('remembers a bounded number of keys of all addresses', () => {
  const addresses = Array.from({ length: 60 }, (_, index) => `192.0.2.${index}`);
  const keys = Array.from({ length: 2_000 }, (_, index) => `key ${index}`);
  for (const address of addresses) for (const key of keys) acceptKey(address, key, 'key');
  for (const address of addresses) throttle(address);
  const counts = addresses.map((address) => known(address, keys).length);
  expect(counts).toEqual([...Array<number>(10).fill(0), ...Array<number>(50).fill(2_000)]);
});
