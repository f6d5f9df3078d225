import { hash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { KeyFilter } from './key-filter.ts';

const keys = Array.from({ length: 20_000 }, (_, index) => hash('sha256', `key ${index}`, 'base64url'));
const others = Array.from({ length: 20_000 }, (_, index) => hash('sha256', `other ${index}`, 'base64url'));

describe('KeyFilter', () => {
  it('finds every key that was added, and hardly any other', () => {
    const filter = new KeyFilter();
    for (const key of keys) filter.add(key);
    expect(keys.every((key) => filter.has(key))).toBe(true);
    expect(others.filter((key) => filter.has(key)).length).toBeLessThan(5);
    expect(filter.bytes / keys.length).toBeLessThan(11);
  });

  it('deletes single keys without losing others', () => {
    const filter = new KeyFilter();
    for (const key of keys) filter.add(key);
    for (const key of keys.slice(0, 10_000)) filter.delete(key);
    expect(keys.slice(10_000).filter((key) => !filter.has(key)).length).toBeLessThan(3);
    expect(keys.slice(0, 10_000).filter((key) => filter.has(key)).length).toBeLessThan(3);
    filter.delete('was never added');
    expect(filter.size).toBeGreaterThan(9_990);
    filter.clear();
    expect(keys.some((key) => filter.has(key))).toBe(false);
  });

  it('counts a key once', () => {
    const filter = new KeyFilter();
    for (let time = 0; time < 3; time++) filter.add('key caller');
    expect(filter.size).toBe(1);
    filter.delete('key caller');
    expect(filter.has('key caller')).toBe(false);
  });
});
