import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import { Failure } from '#components/people/failure';
import { ApiError } from '#lib/browser/api-client';

const shown = (error: unknown) => renderToStaticMarkup(<Failure error={error} onRetry={() => undefined} />);

it('shows a wrong password, which has the status of an ended session', () => {
  expect(shown(new ApiError('Wrong e-mail or password.', 401, 'INVALID_EMAIL_OR_PASSWORD'))).toContain(
    'Wrong e-mail or password.',
  );
});

it('leaves the end of a session to the frame', () => {
  expect(shown(new ApiError('Sign in first.', 401, 'unauthorized'))).toBe('');
});

it('says who may do what is refused, and what to do after an unexpected failure', () => {
  const refused = new ApiError('Only administrators may do this. Ask one of them.', 403, 'forbidden');
  expect(shown(refused)).toContain('Only administrators may do this. Ask one of them.');
  expect(shown(new TypeError('x is undefined'))).toContain('ask your administrator');
  expect(shown(refused).match(/<button/g)).toHaveLength(1);
});
