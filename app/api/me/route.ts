import { meOf } from '#lib/http/me';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/me',
  { GET: (_request, { principal, settings }) => json(meOf(principal, settings)) },
  { right: 'signed-in', quiet: true },
);
