import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { microservicesHealth } from '#lib/runner/executor-api';
import { runner } from '#lib/runner/index';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/microservices/health',
  { GET: async () => json(await microservicesHealth(runner())) },
  { right: 'open', quiet: true },
);
