import type { Readable } from 'node:stream';
import { mayUseEveryModel } from '#lib/chat/allowed-models';
import { chatEngine } from '#lib/chat/engine-singleton';
import { passedLogFields, rejectedLogFields } from '#lib/chat/http/access-log-fields';
import { requireAllowedModel } from '#lib/chat/http/allowed-models';
import { chooseProvider } from '#lib/chat/http/choose-provider';
import { bodyClosed, forwardedReply } from '#lib/chat/http/forwarded-reply';
import { findMultipartModel } from '#lib/chat/http/multipart-model';
import type { RunnableTask, TaskWork } from '#lib/chat/scheduler/task';
import { AppError } from '#lib/errors';
import { parseBody, parseJson, readJsonBytes, requireUnencoded } from '#lib/http/body';
import { uploadBudget } from '#lib/http/body-budget';
import type { HttpRequest } from '#lib/http/http-request';
import { requireStillAllowed } from '#lib/http/lock-outs';
import { withCallerSignal } from '#lib/http/open-work';
import type { Principal } from '#lib/http/principal';
import { type ReceivedUpload, receiveUpload } from '#lib/http/received-upload';
import type { Reply } from '#lib/http/reply';
import { requestLimits } from '#lib/http/request-limits';
import type { RequestContext, RequestHandler } from '#lib/http/route';
import { type ForwardedResponse, serverFailureOf } from '#lib/models/forwarding';
import { modelDirectory } from '#lib/models/model-directory';
import { modelOverrides } from '#lib/models/model-overrides';
import type { ModelProvider } from '#lib/models/provider';
import type { UsageEvent } from '#lib/people/usage/usage-event';
import { usageRecorder } from '#lib/people/usage/usage-recorder';
import { withSpan } from '#lib/telemetry/tracing';
import { MIB } from '#lib/units';
import { passedRequestSchema } from '#lib/wire/pass-through-request';

/** A JSON body is held while the request waits. */
const JSON_LIMIT_BYTES = 8 * MIB;
/** Audio and images wait on disk until they are sent on. */
const UPLOAD_LIMIT_BYTES = 512 * MIB;

/** A body for the model server, whole. */
interface Passed {
  /** Undefined if it names none. */
  readonly model: string | undefined;
  readonly contentLength: number;
  /** Memory while it waits. */
  readonly heldBytes: number;
  /** The body, which can be sent again. */
  content(): Readable | Uint8Array;
  /** The body with another model, for an alias. */
  naming(model: string): { content: Readable | Uint8Array; contentLength: number };
}

/** Passes JSON on to the model server's endpoint of the same path. */
export function passJson(path: string): RequestHandler {
  return async (request, context) => {
    const content = await readJsonBytes(request, JSON_LIMIT_BYTES);
    const { byteLength } = content;
    const body: Passed = {
      model: modelOf(parseJson(content)),
      contentLength: byteLength,
      heldBytes: byteLength,
      content: () => content,
      naming: (model) => {
        const renamed = Buffer.from(JSON.stringify({ ...asObject(parseJson(content)), model }));
        return { content: renamed, contentLength: renamed.byteLength };
      },
    };
    return await pass(path, body, request, context);
  };
}

/**
 * Passes a form with files on, once it has arrived: a slow upload holds no slot of the model
 * server. JSON is passed on as well.
 */
export function passUpload(path: string): RequestHandler {
  return async (request, context) => {
    if (isJson(request)) return await passJson(path)(request, context);
    if (!/^multipart\/form-data\b/i.test(request.headers.get('content-type') ?? ''))
      throw new AppError('unsupported_media_type', 'Send the body as multipart/form-data, with its files.');
    if (!mayUseEveryModel(context.principal)) throw uncheckedForm(context.principal);
    requireUnencoded(request);
    // Before the body is received.
    await chooseForwarder(path, undefined);
    const limitBytes = Math.min(UPLOAD_LIMIT_BYTES, uploadBudget().totalBytes / 2);
    const form = await receiveUpload(request.stream(limitBytes), request.caller);
    try {
      requireStillAllowed(request);
      return await pass(path, await formBody(form), request, context, form.release);
    } catch (error) {
      form.release();
      throw error;
    }
  };
}

function subjectOf({ models }: Principal): string {
  return models === undefined ? 'You' : 'This key';
}

/** A form may name several models, and a model server reads another one than this server. */
function uncheckedForm(principal: Principal): AppError {
  const next = principal.models === undefined ? 'Ask an administrator.' : 'Use a key for all models.';
  return new AppError(
    'forbidden',
    `${subjectOf(principal)} may use some models only, which cannot be checked in a form with files. ${next}`,
  );
}

async function formBody(form: ReceivedUpload): Promise<Passed> {
  const field = await findMultipartModel(form);
  return {
    model: field?.model,
    contentLength: form.bytes,
    heldBytes: form.heldBytes,
    content: () => form.content(),
    naming(model) {
      if (field === undefined) throw new Error('a form without a model has no alias');
      const { start, end } = field;
      const bytes = Buffer.from(model);
      const contentLength = form.bytes - (end - start) + bytes.byteLength;
      return { content: form.content({ start, end, bytes }), contentLength };
    },
  };
}

/** Throws `unsupported_by_model_server` if no model server can have the endpoint. */
async function chooseForwarder(path: string, model: string | undefined): Promise<ModelProvider> {
  return await chooseProvider({
    model,
    canServe: canForward,
    isPreferred: ({ id }) => id === 'openai',
    unsupported: () =>
      new AppError(
        'unsupported_by_model_server',
        `The built-in model does not offer ${path}. Set OPENAI_BASE_URL to a model server that does.`,
      ),
  });
}

function canForward({ forward }: ModelProvider): boolean {
  return forward !== undefined;
}

function isJson({ headers }: HttpRequest): boolean {
  return /^application\/json\b/i.test(headers.get('content-type') ?? '');
}

/** `release` frees the body; it is called once the work has ended, if this does not throw. */
async function pass(
  path: string,
  body: Passed,
  request: HttpRequest,
  context: RequestContext,
  release: () => void = () => {},
): Promise<Reply> {
  const { caller, principal, requestId, settings } = context;
  const { model, heldBytes } = body;
  context.failureLog = () => rejectedLogFields(context, model);
  const provider = await chooseForwarder(path, model);
  const isRestricted = !mayUseEveryModel(principal);
  if (isRestricted && model === undefined)
    throw new AppError('forbidden', `${subjectOf(principal)} may use some models only. Name one of them as model.`);
  if (model !== undefined && modelOverrides().isHidden(model))
    throw new AppError('model_not_found', `Model ${model} is not available. GET /v1/models lists what is there.`);
  await requireAllowedModel(principal, model);
  const search = new URL(request.url).search;
  const isAlias = model !== undefined && settings.MODEL_ALIASES.has(model);
  // Written again for an alias, and so that the model server reads the same name as this server.
  const isRenamed = isAlias || isRestricted;
  // A path is in no list of models, which would be read again for it.
  const targets = model === undefined ? [] : undefined;
  const named = isAlias ? await modelDirectory().resolve(model) : { model: model ?? path, provider, targets };
  const allowance = requestLimits()?.allowanceOf(principal);
  const head = Promise.withResolvers<ForwardedResponse>();
  let isServed = false;
  let ended: RunnableTask | undefined;
  const onDone = (done: RunnableTask) => {
    ended = done;
  };
  const recordUsage = (error?: unknown) => {
    if (ended !== undefined) usageRecorder().record(passedUsage(context, ended, { path, isServed, error }));
  };
  // Once there is a head, no error of the server is thrown.
  const task = { caller, allowance, ...named, isRepeatable: true, bytes: heldBytes, onDone };
  /** Of the server that failed last: its response, if it has one, is that of the request. */
  let failed: { error: AppError; response: ForwardedResponse } | undefined;
  const send = async (chosen: ModelProvider, signal: AbortSignal, name: string) => {
    if (chosen.forward === undefined) throw new Error('a provider without this method was chosen');
    const { content, contentLength } = isRenamed
      ? body.naming(name)
      : { content: body.content(), contentLength: body.contentLength };
    const headers = contentHeaders(request, contentLength);
    const response = await chosen.forward({ method: 'POST', path: path + search, headers, content }, signal);
    const error = serverFailureOf(response);
    if (error === undefined) return response;
    failed = { error, response };
    throw error;
  };
  /** Holds the slot until the whole response has been read. */
  const work: TaskWork<void> = (chosen, signal, name, calls) => {
    const attributes = { 'gen_ai.request.model': name, 'gen_ai.provider.name': chosen.id };
    return withSpan(requestId, path, attributes, async () => {
      const response = await calls.guard(() => send(chosen, signal, name));
      isServed = response.isSuccess;
      calls.begin();
      head.resolve(response);
      await bodyClosed(response);
    });
  };
  const leave = allowance?.enter('model');
  withCallerSignal(caller, request.signal, (signal) => chatEngine().runTask({ ...task, signal }, work))
    .finally(() => {
      leave?.();
      release();
    })
    .then(
      () => recordUsage(),
      (error: unknown) => {
        if (failed !== undefined && failed.error === error) head.resolve(failed.response);
        else head.reject(error);
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

function contentHeaders({ headers }: HttpRequest, contentLength: number): Record<string, string> {
  const sent: Record<string, string> = { 'content-length': String(contentLength) };
  for (const name of ['content-type', 'accept']) {
    const value = headers.get(name);
    if (value !== null) sent[name] = value;
  }
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
