import { expect, it } from 'vitest';
import { failureAction } from './failure-action.ts';

it.each([
  ['model_not_found', '', 'choose-model'],
  ['context_length_exceeded', '', 'choose-model'],
  ['body_too_large', '', 'none'],
  ['forbidden', '', 'none'],
  ['interrupted', 'half', 'regenerate'],
  ['upstream_failed', '', 'try-again'],
  ['upstream_failed', 'half', 'continue'],
  ['a_newer_code', '', 'try-again'],
])('offers for %s with the text %j: %s', (code, content, action) => {
  expect(failureAction({ content }, { code, message: '' }, false)).toBe(action);
});

it('offers another model while one of several model servers does not respond', () => {
  const offered = (content: string, data?: Record<string, string>) =>
    failureAction({ content }, { code: 'provider_unavailable', message: '', ...(data && { data }) }, false);
  expect(offered('', { model_server: 'gpu-b' })).toBe('choose-model');
  expect(offered('half', { model_server: 'gpu-b' })).toBe('continue');
  expect(offered('')).toBe('try-again');
});

it('offers to repeat what a session without a key was refused, once signed in', () => {
  const refused = (isSignedOut: boolean) =>
    failureAction({ content: '' }, { code: 'unauthorized', message: '' }, isSignedOut);
  expect(refused(true)).toBe('none');
  expect(refused(false)).toBe('try-again');
});
