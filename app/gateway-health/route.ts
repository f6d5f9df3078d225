import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';

/** Whether the gateway itself is there; whether its backend is, /api/ready tells. */
export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/gateway-health',
  { GET: () => json({ status: 'ok', service: 'wighaven-gateway' }) },
  { quiet: true, open: true },
);
