import type { Readable } from 'node:stream';
import { chatEngine } from '#lib/chat/engine-singleton';
import { passedLogFields, rejectedLogFields } from '#lib/chat/http/access-log-fields';
import { requireAllowedModel } from '#lib/chat/http/allowed-models';
import { chooseProvider, isModelNeeded } from '#lib/chat/http/choose-provider';
import { bodyClosed, forwardedReply } from '#lib/chat/http/forwarded-reply';
import { peekMultipartModel } from '#lib/chat/http/multipart-model';
import type { RunnableTask } from '#lib/chat/scheduler/task';
import { AppError } from '#lib/errors';
import { parseBody, parseJson, readJsonBytes } from '#lib/http/body';
import type { HttpRequest } from '#lib/http/http-request';
import { withCallerSignal } from '#lib/http/open-work';
import type { Reply } from '#lib/http/reply';
import { requestLimits } from '#lib/http/request-limits';
import type { RequestContext, RequestHandler } from '#lib/http/route';
import type { ForwardedResponse } from '#lib/models/forwarding';
import { modelDirectory } from '#lib/models/model-directory';
import type { ModelProvider } from '#lib/models/provider';
import { withTimeout } from '#lib/models/resilient-call';
import type { UsageEvent } from '#lib/people/usage/usage-event';
import { usageRecorder } from '#lib/people/usage/usage-recorder';
import { withSpan } from '#lib/telemetry/tracing';
import { MIB } from '#lib/units';
import { passedRequestSchema } from '#lib/wire/pass-through-request';

/** A JSON body is held while the request waits. */
const JSON_LIMIT_BYTES = 8 * MIB;
/** Audio and images are read while they are sent on, so that none of them is held. */
const UPLOAD_LIMIT_BYTES = 512 * MIB;
/** What an upload takes while it waits: its start, and buffers of streams and the connection. */
const WAITING_UPLOAD_BYTES = 192 * 1024;

/** A body for the model server, and what is known of it before it is sent. */
interface Passed {
  readonly model: string | undefined;
  readonly content: Readable | Uint8Array;
  readonly contentLength: number | undefined;
  /** Memory while it waits. */
  readonly heldBytes: number;
  /** The body with another model, for an alias. Undefined if it is not held. */
  readonly naming?: (model: string) => Uint8Array;
}

/** Passes JSON on to the model server's endpoint of the same path. */
export function passJson(path: string): RequestHandler {
  return async (request, context) => {
    const content = await readJsonBytes(request, JSON_LIMIT_BYTES);
    const { byteLength } = content;
    const model = modelOf(parseJson(content));
    const naming = (name: string) => Buffer.from(JSON.stringify({ ...asObject(parseJson(content)), model: name }));
    const body = { model, content, contentLength: byteLength, heldBytes: byteLength, naming };
    return await pass(path, body, request, context);
  };
}

/** Passes a form with files on, while it arrives. JSON is passed on as well. */
export function passUpload(path: string): RequestHandler {
  return async (request, context) => {
    if (isJson(request)) return await passJson(path)(request, context);
    if (!/^multipart\/form-data\b/i.test(request.headers.get('content-type') ?? ''))
      throw new AppError('unsupported_media_type', 'Send the body as multipart/form-data, with its files.');
    if (context.principal.models !== undefined)
      throw new AppError(
        'forbidden',
        'This key may use some models only, which cannot be checked in a form with files. Use a key for all models.',
      );
    const { content: form, declaredBytes } = request.stream(UPLOAD_LIMIT_BYTES);
    try {
      // With one model server, nothing is held back until the model has come.
      const { model, content } = (await isModelNeeded(canForward))
        ? await peekMultipartModel(form)
        : { model: undefined, content: form };
      const body = { model, content, contentLength: declaredBytes, heldBytes: WAITING_UPLOAD_BYTES };
      return await pass(path, body, request, context);
    } catch (error) {
      form.destroy();
      throw error;
    }
  };
}

function canForward({ forward }: ModelProvider): boolean {
  return forward !== undefined;
}

function isJson({ headers }: HttpRequest): boolean {
  return /^application\/json\b/i.test(headers.get('content-type') ?? '');
}

async function pass(path: string, body: Passed, request: HttpRequest, context: RequestContext): Promise<Reply> {
  const { caller, principal, requestId, settings } = context;
  const { model, content, contentLength, heldBytes, naming } = body;
  context.failureLog = () => rejectedLogFields(context, model);
  const provider = await chooseProvider({
    model,
    canServe: canForward,
    isPreferred: ({ id }) => id === 'openai',
    unsupported: () =>
      new AppError(
        'unsupported_by_model_server',
        `The built-in model does not offer ${path}. Set OPENAI_BASE_URL to a model server that does.`,
      ),
  });
  const isRestricted = principal.models !== undefined;
  if (isRestricted && model === undefined)
    throw new AppError('forbidden', 'This key may use some models only. Name one of them as model.');
  await requireAllowedModel(principal, model);
  const search = new URL(request.url).search;
  const isAlias = model !== undefined && naming !== undefined && settings.MODEL_ALIASES.has(model);
  // A path is in no list of models, which would be read again for it.
  const targets = model === undefined ? [] : undefined;
  const named = isAlias ? await modelDirectory().resolve(model) : { model: model ?? path, provider, targets };
  // What is held can be sent again. Once there is a head, no error of the server is thrown.
  const isRepeatable = naming !== undefined;
  const allowance = requestLimits()?.allowanceOf(context.principal);
  const head = Promise.withResolvers<ForwardedResponse>();
  let isServed = false;
  let ended: RunnableTask | undefined;
  const onDone = (done: RunnableTask) => {
    ended = done;
  };
  const recordUsage = (error?: unknown) => {
    if (ended !== undefined) usageRecorder().record(passedUsage(context, ended, { path, isServed, error }));
  };
  const task = { caller, allowance, ...named, isRepeatable, bytes: heldBytes, onDone };
  /** Holds the slot until the whole response has been read. */
  const work = (chosen: ModelProvider, signal: AbortSignal, name: string) => {
    const call = async (inTime: AbortSignal) => {
      if (chosen.forward === undefined) throw new Error('a provider without this method was chosen');
      // Written again, so that the model server reads the same name as this server.
      const renamed = isAlias || (isRestricted && naming !== undefined) ? naming?.(name) : undefined;
      const headers = contentHeaders(request, renamed?.byteLength ?? contentLength);
      const forwarded = { method: 'POST', path: path + search, headers, content: renamed ?? content } as const;
      const response = await chosen.forward(forwarded, inTime);
      isServed = response.isSuccess;
      head.resolve(response);
      await bodyClosed(response);
    };
    const attributes = { 'gen_ai.request.model': name, 'gen_ai.provider.name': chosen.id };
    return withSpan(requestId, path, attributes, () => withTimeout(call, settings.UPSTREAM_TOTAL_TIMEOUT_MS, signal));
  };
  const leave = allowance?.enter('model');
  withCallerSignal(caller, request.signal, (signal) => chatEngine().runTask({ ...task, signal }, work))
    .finally(leave)
    .then(
      () => recordUsage(),
      (error: unknown) => {
        head.reject(error);
        recordUsage(error);
      },
    );
  const response = await head.promise;
  const log = passedLogFields(context, model);
  return { ...forwardedReply(response, path), log };
}

/**
 * Without tokens: their place differs between endpoints. A server vouches for the name of a model
 * by a response; otherwise clients could fill the database with names.
 */
function passedUsage(
  { principal }: RequestContext,
  { state, model, server, createdAt, startedAt, finishedAt = createdAt }: RunnableTask,
  { path, isServed, error }: { path: string; isServed: boolean; error: unknown },
): UsageEvent {
  const hasFailed = state !== 'cancelled' && (!isServed || error !== undefined);
  return {
    principal,
    kind: 'passed',
    model: isServed ? model : path,
    server: server?.name ?? '',
    cached: false,
    joined: false,
    promptTokens: 0,
    completionTokens: 0,
    savedTokens: 0,
    generationMs: startedAt === undefined ? 0 : finishedAt - startedAt,
    queueMs: (startedAt ?? finishedAt) - createdAt,
    error: hasFailed ? (AppError.is(error) ? error.code : 'upstream_failed') : undefined,
  };
}

function contentHeaders({ headers }: HttpRequest, contentLength: number | undefined): Record<string, string> {
  const sent: Record<string, string> = {};
  for (const name of ['content-type', 'accept']) {
    const value = headers.get(name);
    if (value !== null) sent[name] = value;
  }
  if (contentLength !== undefined) sent['content-length'] = String(contentLength);
  return sent;
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

/** The model that a body names; the model server checks the rest. */
function modelOf(body: unknown): string | undefined {
  const { model } = parseBody(passedRequestSchema, body);
  return model === '' ? undefined : model;
}
