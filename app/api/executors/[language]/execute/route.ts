import { parseBody, readJson } from '#lib/http/body';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { executorLanguage, toExecuteResult } from '#lib/runner/executor-api';
import { codeBodyLimit } from '#lib/runner/http/code-body';
import { runner } from '#lib/runner/index';
import { withSpan } from '#lib/telemetry/tracing';
import { EXECUTE_FIELDS, executeRequestSchema } from '#lib/wire/executor';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/executors/[language]/execute',
  {
    POST: async (request, { caller, principal, params, requestId, settings }) => {
      const { signal } = request;
      const language = executorLanguage(params.language).id;
      const body = await readJson(request, codeBodyLimit(settings));
      const { code, input_data, timeout } = parseBody(executeRequestSchema, body, EXECUTE_FIELDS);
      const result = await withSpan(requestId, 'run code', { language }, () =>
        runner().run({ language, code, stdin: input_data, timeout }, { caller, principal, signal }),
      );
      return json(toExecuteResult(result), 200, { 'x-execution-time-ms': String(Math.round(result.duration_ms)) });
    },
  },
  { right: 'code', rateLimit: 'code' },
);
