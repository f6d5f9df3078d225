import { expect, it } from 'vitest';
import { failureAction } from './failure-action.ts';

it.each([
  ['unauthorized', '', 'sign-in'],
  ['model_not_found', '', 'choose-model'],
  ['context_length_exceeded', '', 'choose-model'],
  ['body_too_large', '', 'none'],
  ['forbidden', '', 'none'],
  ['interrupted', 'half', 'regenerate'],
  ['upstream_failed', '', 'try-again'],
  ['upstream_failed', 'half', 'continue'],
  ['a_newer_code', '', 'try-again'],
])('offers for %s with the text %j: %s', (code, content, action) => {
  expect(failureAction({ content }, { code, message: '' })).toBe(action);
});
