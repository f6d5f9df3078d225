import { expect, it } from 'vitest';
import { findKey, findShownKey } from '#lib/http/api-keys';

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

it('finds a key without a digest once it was found, and no text that is like it', () => {
  const keys = [...KEYS];
  for (const key of keys) {
    expect(findShownKey(`Bearer ${key}`, 7, keys)).toBeUndefined();
    expect(findKey(key, keys)).toBe(key);
    expect(findShownKey(`Bearer ${key}`, 7, keys)).toBe(key);
    expect(findShownKey(key, 0, keys)).toBe(key);
    const last = key.slice(0, -1);
    for (const text of [last, `${last}#`, `${key} `, ` ${key}`, '']) {
      expect(findShownKey(text, 0, keys)).toBeUndefined();
      expect(findKey(text, keys)).toBeUndefined();
    }
  }
});
