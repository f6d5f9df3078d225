import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { runner } from '#lib/runner/index';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/v1/health',
  { GET: async () => json(await runner().health()) },
  { right: 'open', quiet: true },
);
