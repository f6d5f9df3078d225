import { route } from '#lib/http/route';
import { handleRun } from '#lib/runner/http/run-handler';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/v1/code/run',
  { POST: handleRun },
  { right: 'code', rateLimit: 'code' },
);
