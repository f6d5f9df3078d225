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
      const language = executorLanguage(params.language).id;
      const body = await readJson(request, codeBodyLimit(settings));
      const { input_data: stdin, ...rest } = parseBody(executeRequestSchema, body, EXECUTE_FIELDS);
      const program = { language, stdin, ...rest };
      const options = { caller, principal, signal: request.signal };
      const result = await runWithinLimits(principal, program, settings, (onStart) =>
        withSpan(requestId, 'run code', { language }, () => runner().run(program, { ...options, onStart })),
      );
      const headers = { 'x-execution-time-ms': String(Math.round(result.duration_ms)) };
      return { ...json(toExecuteResult(result), 200, headers), log: runLogFields(context, language, result) };
    },
  },
  { right: 'code', rateLimit: 'code' },
);
