import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { executorInfo, executorLanguage } from '#lib/runner/executor-api';
import { runner } from '#lib/runner/index';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/executors/[language]/info',
  {
    GET: async (_request, call) =>
      json(await executorInfo(runner(), executorLanguage(call.params.language), call.settings)),
  },
  { right: 'code' },
);
