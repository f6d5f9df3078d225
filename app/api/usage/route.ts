import { route } from '#lib/http/route';
import { handleOwnUsage } from '#lib/people/usage/http/usage-handlers';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/usage',
  { GET: handleOwnUsage },
  { right: 'signed-in' },
);
