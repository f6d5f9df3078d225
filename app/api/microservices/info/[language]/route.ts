import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { executorInfo, executorLanguage } from '#lib/runner/executor-api';
import { runner } from '#lib/runner/index';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/microservices/info/[language]',
  {
    GET: async (_request, context) =>
      json(await executorInfo(runner(), executorLanguage(context.params.language), context.settings)),
  },
  { right: 'code' },
);
