import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { checkReadiness } from '#lib/server/readiness';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/ready',
  {
    GET: async ({ signal }, { settings }) => {
      const readiness = await checkReadiness(signal, settings);
      return readiness.status === 'ready' ? json(readiness) : json(readiness, 503, { 'retry-after': '5' });
    },
  },
  { right: 'open', quiet: true },
);
