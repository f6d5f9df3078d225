import { expect, it } from 'vitest';
import { SecretMap } from '#lib/http/secret-map';

const secrets = Array.from({ length: 2_000 }, (_, index) => `secret-${index}`);

it('finds each secret, and no text that differs from it in one character', () => {
  const map = new SecretMap<number>(10_000, 100);
  for (const [index, secret] of secrets.entries()) map.set(secret, index);
  // Two of them may have the same fingerprint, of which one is dropped.
  expect(map.size).toBeGreaterThan(secrets.length - 5);
  for (const [index, secret] of secrets.entries()) expect([index, undefined]).toContain(map.get(secret));
  const secret = 'a secret of some length';
  map.set(secret, -1);
  for (let at = 0; at < secret.length; at++) {
    expect(map.get(`${secret.slice(0, at)}#${secret.slice(at + 1)}`)).toBeUndefined();
    expect(map.get(secret.slice(0, at))).toBeUndefined();
  }
  expect(map.get(`${secret}#`)).toBeUndefined();
  expect(map.get(secret)).toBe(-1);
});

it('finds a secret behind the beginning of a text', () => {
  const map = new SecretMap<string>(10, 100);
  map.set('secret', 'value');
  expect(map.get('Bearer secret', 7)).toBe('value');
  for (const text of ['Bearer  secret', 'Bearer secret ', 'Bearer secre', 'Bearer ', ''])
    expect(map.get(text, 7)).toBeUndefined();
});

it('drops the oldest of more than it may have, and stores no longer text', () => {
  const map = new SecretMap<number>(100, 20);
  for (const [index, secret] of secrets.entries()) {
    map.set(secret, index);
    map.set(secret, index);
  }
  expect(map.size).toBe(100);
  expect(map.get('secret-1999')).toBe(1_999);
  expect(map.get('secret-1')).toBeUndefined();
  map.set('x'.repeat(21), 1);
  expect(map.get('x'.repeat(21))).toBeUndefined();
  expect(map.get(`Bearer ${'x'.repeat(21)}`, 7)).toBeUndefined();
});
