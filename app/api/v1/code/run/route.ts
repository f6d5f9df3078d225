import { AppError } from '#lib/errors';
import { parseBody, readJson } from '#lib/http/body';
import { toErrorResponse } from '#lib/http/errors';
import { eventStream, json, type Reply } from '#lib/http/reply';
import { type RequestContext, type RequestHandler, route } from '#lib/http/route';
import { languageIds, runner } from '#lib/runner/index';
import { withSpan } from '#lib/telemetry/tracing';
import { MIB } from '#lib/units';
import { type CodeRequest, type CodeResult, codeRequestSchema } from '#lib/wire/code';

/** A byte of a program can be six in JSON (`\u0000`); stdin and the rest of the body have this much beside it. */
const JSON_ESCAPE_BYTES = 6;
const HEARTBEAT_MS = 15_000;

const run: RequestHandler = async (request, call) => {
  const limitBytes = JSON_ESCAPE_BYTES * call.settings.CODE_MAX_BYTES + MIB;
  const { signal } = request;
  const wantsStream = request.headers.get('accept')?.includes('text/event-stream') === true;
  const body = parseBody(codeRequestSchema, await readJson(request, limitBytes));
  try {
    return wantsStream ? await streamed(body, call, signal) : await answered(body, call, signal);
  } catch (error) {
    if (AppError.is(error) && error.code === 'unsupported_language') return unknownLanguage(error);
    throw error;
  }
};

export const { GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS } = route(
  '/api/v1/code/run',
  { POST: run },
  { rateLimit: 'code' },
);

async function answered(body: CodeRequest, { caller, requestId }: RequestContext, signal: AbortSignal): Promise<Reply> {
  const result = await withSpan(requestId, 'run code', { language: body.language }, () =>
    runner().run(body, { caller, signal }),
  );
  return json(result, 200, { 'x-execution-time-ms': String(Math.round(result.duration_ms)) });
}

/** Output while the program runs, then the result. What is refused before the program begins is refused with its own status. */
async function streamed(body: CodeRequest, { caller, requestId }: RequestContext, signal: AbortSignal): Promise<Reply> {
  const left = new AbortController();
  const encoder = new TextEncoder();
  let send: (event: string, data: unknown) => void = () => {};
  let beat: NodeJS.Timeout | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start: (controller) => {
      send = (event, data) => {
        if (!left.signal.aborted)
          controller.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
        if (event === 'result' || event === 'error') {
          clearInterval(beat);
          if (!left.signal.aborted) controller.close();
        }
      };
      beat = setInterval(() => controller.enqueue(encoder.encode(': still running\n\n')), HEARTBEAT_MS);
    },
    cancel: () => {
      clearInterval(beat);
      left.abort();
    },
  });
  const started = Promise.withResolvers<void>();
  const result = withSpan(requestId, 'run code', { language: body.language }, () =>
    runner().run(body, {
      caller,
      signal: AbortSignal.any([signal, left.signal]),
      onStart: started.resolve,
      onOutput: (name, text) => send(name, { text }),
    }),
  );
  result.then(
    (value: CodeResult) => send('result', value),
    (error: unknown) => send('error', toErrorResponse(error).body),
  );
  try {
    await Promise.race([started.promise, result]);
  } catch (error) {
    clearInterval(beat);
    throw error;
  }
  return eventStream(stream);
}

function unknownLanguage(fault: AppError): Reply {
  return json({ error: fault.message, code: fault.code, exit_code: -1, languages: languageIds() }, 400);
}
