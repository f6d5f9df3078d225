import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/health',
  { GET: () => json({ status: 'healthy' }) },
  { right: 'open', quiet: true },
);
