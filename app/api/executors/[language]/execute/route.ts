import { parseBody, readJson } from '#lib/http/body';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { MIB } from '#lib/http/size';
import { traced } from '#lib/observe/tracing';
import { executeResult, executorLanguage } from '#lib/runner/executors';
import { runner } from '#lib/runner/index';
import { EXECUTE_FIELDS, executeRequestSchema } from '#lib/wire/executor';

/** A byte of a program can be six in JSON (`\u0000`). */
const JSON_ESCAPE_BYTES = 6;

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/executors/[language]/execute',
  {
    POST: async (request, { caller, params, requestId, settings }) => {
      const { signal } = request;
      const language = executorLanguage(params.language).id;
      const limitBytes = JSON_ESCAPE_BYTES * settings.CODE_MAX_BYTES + MIB;
      const body = await readJson(request, limitBytes);
      const { code, input_data, timeout } = parseBody(executeRequestSchema, body, EXECUTE_FIELDS);
      const result = await traced(requestId, 'run code', { language }, () =>
        runner().run({ language, code, stdin: input_data, timeout }, { caller, signal }),
      );
      return json(executeResult(result), 200, { 'x-execution-time-ms': String(Math.round(result.duration_ms)) });
    },
  },
  { limited: 'code' },
);
