import { expect, it } from 'vitest';
import { linkResult } from './provider-link.ts';
import { ACCOUNT_STRINGS } from './strings.ts';

const resultOf = (query: string) => linkResult(new URLSearchParams(query));

it('reads from the address whether the provider was linked', () => {
  expect(resultOf('linked=1')).toEqual({ isLinked: true });
  expect(resultOf('key=a')).toBeUndefined();
  // A refusal leads to the page without its query, or with it.
  expect(resultOf('linked=1&error=access_denied')).toEqual({ isLinked: false, error: 'access_denied' });
});

it('has a sentence for each refusal, also for one that it does not know', () => {
  const { refused } = ACCOUNT_STRINGS.provider;
  expect(refused('email_does_not_match', 'School')).toContain('another e-mail address');
  expect(refused('constructor', 'School')).toBe('School was not linked. Try again, or ask your administrator.');
});
