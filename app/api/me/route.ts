import { meOf } from '#lib/http/me';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { hasPassword } from '#lib/people/accounts/has-password';
import { peopleLimits } from '#lib/people/limits/index';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/me',
  {
    GET: async (_request, { principal, settings }) =>
      json({
        ...meOf(principal, settings),
        ...(await peopleLimits().stateOf(principal)),
        has_password: await hasPassword(principal, settings),
      }),
  },
  { right: 'signed-in', quiet: true },
);
