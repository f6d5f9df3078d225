import { gateway } from '#lib/gateway/index';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';

/** The page asks every two seconds: older than that, a backend's state is asked for anew. */
const FRESH_MS = 5_000;

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/gateway-stats',
  {
    GET: async () => {
      await gateway().checkBackends(FRESH_MS);
      return json(gateway().stats());
    },
  },
  { quiet: true },
);
