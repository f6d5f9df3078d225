import { expect, it } from 'vitest';
import { pageAfterSignIn } from './page-after-sign-in.ts';

const ORIGIN = 'http://localhost:3000';
const after = (next: string) => pageAfterSignIn({ search: `?${new URLSearchParams({ next })}`, origin: ORIGIN });

it.each([
  ['/dashboard', '/dashboard'],
  ['/?c=1#a', '/?c=1#a'],
  ['playground', '/playground'],
  [`${ORIGIN}/gateway`, '/gateway'],
])('returns the page of this origin for %s', (next, page) => {
  expect(after(next)).toBe(ORIGIN + page);
});

it.each([
  ...['//evil.example', '/\\evil.example', '\\\\evil.example', '/\t/evil.example', 'https:evil.example'],
  ...['/x/..//evil.example', '/.//evil.example', '//evil.example/', '/%2e//evil.example', '/./\\evil.example'],
  ...['javascript:alert(1)', 'data:text/html,x', 'http://localhost:3001/', 'https://localhost:3000/', 'http://[', ''],
  ...[`blob:${ORIGIN}/x`, 'http://localhost:3000@evil.example/'],
])('stays on this origin for %j', (next) => {
  const address = after(next);
  // A browser resolves the address again, from the sign-in page.
  expect(new URL(address, `${ORIGIN}/sign-in`).origin).toBe(ORIGIN);
  expect(address.startsWith(`${ORIGIN}/`)).toBe(true);
});

it('returns the chat without a parameter', () => {
  expect(pageAfterSignIn({ search: '', origin: ORIGIN })).toBe(`${ORIGIN}/`);
});

it('keeps the fragment that the browser carried over from the page', () => {
  const page = { search: '?next=%2Fplayground', origin: ORIGIN, hash: '#program=abc' };
  expect(pageAfterSignIn(page)).toBe(`${ORIGIN}/playground#program=abc`);
  expect(pageAfterSignIn({ ...page, search: '?next=%2Fplayground%23own' })).toBe(`${ORIGIN}/playground#own`);
  expect(pageAfterSignIn({ ...page, search: '?next=//evil.example' })).toBe(`${ORIGIN}/`);
});
