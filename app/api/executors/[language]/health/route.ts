import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { executorHealth, executorLanguage } from '#lib/runner/executor-api';
import { runner } from '#lib/runner/index';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/executors/[language]/health',
  {
    GET: async (_request, call) => {
      const health = await executorHealth(runner(), executorLanguage(call.params.language));
      return json(health, health.status === 'healthy' ? 200 : 503);
    },
  },
  { right: 'open', quiet: true },
);
