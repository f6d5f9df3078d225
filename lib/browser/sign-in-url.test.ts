import { expect, it } from 'vitest';
import { pageAfterSignIn } from '../../components/sign-in/page-after-sign-in.ts';
import { signInUrl } from './sign-in-url.ts';

it('leads to the sign-in page and from there back to the same address', () => {
  const page = { pathname: '/', search: '?c=1&x=a%20b', hash: '#z' };
  const url = new URL(signInUrl(page), 'http://chill.test');
  expect(url.pathname).toBe('/sign-in');
  expect(pageAfterSignIn(url)).toBe('http://chill.test/?c=1&x=a%20b#z');
});
