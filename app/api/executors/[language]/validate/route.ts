import { parseBody, readJson } from '#lib/http/body';
import { json } from '#lib/http/reply';
import { route } from '#lib/http/route';
import { executorLanguage } from '#lib/runner/executor-api';
import { codeBodyLimit } from '#lib/runner/http/code-body';
import { runner } from '#lib/runner/index';
import { withSpan } from '#lib/telemetry/tracing';
import { VALIDATE_FIELDS, validateRequestSchema } from '#lib/wire/executor';

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/executors/[language]/validate',
  {
    POST: async (request, { requestId, caller, params, settings }) => {
      const { signal } = request;
      const language = executorLanguage(params.language).id;
      const body = await readJson(request, codeBodyLimit(settings));
      const { code, files = [] } = parseBody(validateRequestSchema, body, VALIDATE_FIELDS);
      const result = await withSpan(requestId, 'validate code', { language }, () =>
        runner().validate({ language, code, files }, { caller, signal }),
      );
      return json(result);
    },
  },
  { right: 'code', rateLimit: 'checks' },
);
