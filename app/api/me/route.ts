import { meOf } from '#lib/http/me';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { signInWays } from '#lib/people/accounts/sign-in-ways';
import { peopleLimits } from '#lib/people/limits/index';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/me',
  {
    GET: async (_request, { principal, settings }) =>
      json({
        ...meOf(principal, settings),
        ...(await peopleLimits().stateOf(principal)),
        ...(await signInWays(principal, settings)),
      }),
  },
  { right: 'signed-in', quiet: true },
);
