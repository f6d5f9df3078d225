import { expect, it } from 'vitest';
import { findKey } from '#lib/http/api-keys';

const KEYS = ['first-key-of-sixteen', 'second-key-of-sixteen'];

it('finds a key among all keys', () => {
  expect(findKey('first-key-of-sixteen', KEYS)).toBe('first-key-of-sixteen');
  expect(findKey('second-key-of-sixteen', KEYS)).toBe('second-key-of-sixteen');
  expect(findKey('', KEYS)).toBeUndefined();
});

it('finds keys of a list by that list alone', () => {
  expect(findKey('first-key-of-sixteen', ['other-key-of-sixteen'])).toBeUndefined();
  expect(findKey('other-key-of-sixteen', ['other-key-of-sixteen'])).toBe('other-key-of-sixteen');
});
