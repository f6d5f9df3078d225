import { gateway } from '#lib/gateway/index';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';

/** An older state of a backend is checked again. The page polls every two seconds. */
const FRESH_MS = 5_000;

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/gateway-stats',
  {
    GET: async () => {
      await gateway().checkBackends(FRESH_MS);
      return json(gateway().stats());
    },
  },
  { right: 'stats', quiet: true },
);
