import { AppError } from '#lib/errors';
import { parseBody, readJson } from '#lib/http/body';
import { callerLogFields } from '#lib/http/caller-log-fields';
import { toErrorResponse } from '#lib/http/errors';
import { eventStream, json, type Reply } from '#lib/http/reply';
import type { RequestContext, RequestHandler } from '#lib/http/route';
import { codeBodyLimit } from '#lib/runner/http/code-body';
import { runLogFields } from '#lib/runner/http/run-log-fields';
import { runWithinLimits } from '#lib/runner/http/run-within-limits';
import { languageIds, type RunOptions, runner } from '#lib/runner/index';
import { withSpan } from '#lib/telemetry/tracing';
import { type CodeRequest, type CodeResult, codeRequestSchema } from '#lib/wire/code';

const HEARTBEAT_MS = 15_000;

/** Runs a program; responds with its result, or with events if the client accepts a stream. */
export const handleRun: RequestHandler = async (request, context) => {
  const wantsStream = request.headers.get('accept')?.includes('text/event-stream') === true;
  context.failureLog = () => callerLogFields(context.caller, context.principal);
  const body = parseBody(codeRequestSchema, await readJson(request, codeBodyLimit(context.settings)));
  try {
    return wantsStream
      ? await respondWithEvents(body, context, request.signal)
      : await respondWithResult(body, context, request.signal);
  } catch (error) {
    if (AppError.is(error) && error.code === 'unsupported_language') return unsupportedLanguage(error);
    throw error;
  }
};

async function respondWithResult(body: CodeRequest, context: RequestContext, signal: AbortSignal): Promise<Reply> {
  const result = await run(body, context, { signal });
  const reply = json(result, 200, { 'x-execution-time-ms': String(Math.round(result.duration_ms)) });
  return { ...reply, log: runLogFields(context, body.language, result) };
}

/**
 * Streams output while the program runs, then the result. A run that never starts is refused with
 * a status.
 */
async function respondWithEvents(body: CodeRequest, context: RequestContext, signal: AbortSignal): Promise<Reply> {
  const events = openEvents();
  const started = Promise.withResolvers<void>();
  const result = run(body, context, {
    signal: AbortSignal.any([signal, events.cancelled]),
    onStart: started.resolve,
    onOutput: (name, text) => events.send(name, { text }),
  });
  result.then(
    (value) => events.end('result', value),
    (error: unknown) => events.end('error', toErrorResponse(error).body),
  );
  try {
    await Promise.race([started.promise, result]);
  } catch (error) {
    events.stopHeartbeat();
    throw error;
  }
  const log = result.then(
    (value) => runLogFields(context, body.language, value),
    () => callerLogFields(context.caller, context.principal),
  );
  return { ...eventStream(events.stream), log };
}

function run(
  body: CodeRequest,
  { caller, principal, requestId, settings }: RequestContext,
  { onStart, ...options }: Omit<RunOptions, 'caller' | 'principal'>,
): Promise<CodeResult> {
  return runWithinLimits(principal, body, settings, (admitted) =>
    withSpan(requestId, 'run code', { language: body.language }, () =>
      runner().run(body, {
        caller,
        principal,
        ...options,
        onStart: () => {
          admitted();
          onStart?.();
        },
      }),
    ),
  );
}

/**
 * Opens a stream of server-sent events with a heartbeat. `cancelled` aborts when the client
 * leaves.
 */
function openEvents() {
  const cancellation = new AbortController();
  const encoder = new TextEncoder();
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  let heartbeat: NodeJS.Timeout | undefined;
  const stopHeartbeat = () => clearInterval(heartbeat);
  const stream = new ReadableStream<Uint8Array>({
    start: (created) => {
      controller = created;
      heartbeat = setInterval(() => created.enqueue(encoder.encode(': still running\n\n')), HEARTBEAT_MS);
    },
    cancel: () => {
      stopHeartbeat();
      cancellation.abort();
    },
  });
  const send = (event: string, data: unknown) => {
    if (!cancellation.signal.aborted)
      controller?.enqueue(encoder.encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`));
  };
  const end = (event: 'result' | 'error', data: unknown) => {
    send(event, data);
    stopHeartbeat();
    if (!cancellation.signal.aborted) controller?.close();
  };
  return { stream, cancelled: cancellation.signal, send, end, stopHeartbeat };
}

function unsupportedLanguage(error: AppError): Reply {
  return json({ error: error.message, code: error.code, exit_code: -1, languages: languageIds() }, 400);
}
