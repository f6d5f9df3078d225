import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';

/** Liveness of the gateway itself. `/api/ready` reports its backends. */
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/gateway-health',
  { GET: () => json({ status: 'ok', service: 'wighaven-gateway' }) },
  { right: 'open', quiet: true },
);
