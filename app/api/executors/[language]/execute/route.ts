import { parseBody, readJson } from '#lib/http/body';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { executorLanguage, toExecuteResult } from '#lib/runner/executor-api';
import { codeBodyLimit } from '#lib/runner/http/code-body';
import { runLogFields } from '#lib/runner/http/run-log-fields';
import { runWithinLimits } from '#lib/runner/http/run-within-limits';
import { runner } from '#lib/runner/index';
import { withSpan } from '#lib/telemetry/tracing';
import { EXECUTE_FIELDS, executeRequestSchema } from '#lib/wire/executor';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/executors/[language]/execute',
  {
    POST: async (request, context) => {
      const { caller, principal, params, requestId, settings } = context;
      const { signal } = request;
      const language = executorLanguage(params.language).id;
      const body = await readJson(request, codeBodyLimit(settings));
      const { code, input_data, timeout } = parseBody(executeRequestSchema, body, EXECUTE_FIELDS);
      const program = { language, code, stdin: input_data, timeout };
      const result = await runWithinLimits(principal, () =>
        withSpan(requestId, 'run code', { language }, () => runner().run(program, { caller, principal, signal })),
      );
      const headers = { 'x-execution-time-ms': String(Math.round(result.duration_ms)) };
      return { ...json(toExecuteResult(result), 200, headers), log: runLogFields(context, language, result) };
    },
  },
  { right: 'code', rateLimit: 'code' },
);
