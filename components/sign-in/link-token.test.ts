import { beforeEach, expect, it, vi } from 'vitest';
import { forgetToken, takeToken } from './link-token.ts';

const kept = new Map<string, string>();
let isBlocked = false;

const storage = {
  getItem: (key: string) => kept.get(key) ?? null,
  setItem: (key: string, value: string) => {
    if (isBlocked) throw new Error('blocked');
    kept.set(key, value);
  },
  removeItem: (key: string) => void kept.delete(key),
};

function open(address: string): { address: () => string } {
  const location = { href: `http://localhost:3000${address}` };
  vi.stubGlobal('window', {
    location,
    history: {
      state: null,
      replaceState: (_state: unknown, _title: string, url: URL) => {
        location.href = url.href;
      },
    },
  });
  return { address: () => location.href.replace('http://localhost:3000', '') };
}

beforeEach(() => {
  kept.clear();
  isBlocked = false;
  vi.stubGlobal('sessionStorage', storage);
});

it('takes the token out of the address, and has it after a reload', () => {
  const page = open('/join?token=secret&lang=en');
  expect(takeToken('join')).toBe('secret');
  expect(page.address()).toBe('/join?lang=en');
  open('/join');
  expect(takeToken('join')).toBe('secret');
  expect(takeToken('setup')).toBeUndefined();
});

it('forgets a token that was used', () => {
  open('/join?token=secret');
  takeToken('join');
  forgetToken('join');
  open('/join');
  expect(takeToken('join')).toBeUndefined();
});

it('leaves the token in the address where the browser keeps nothing', () => {
  isBlocked = true;
  const page = open('/join?token=secret');
  expect(takeToken('join')).toBe('secret');
  expect(page.address()).toBe('/join?token=secret');
});
