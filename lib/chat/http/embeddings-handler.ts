import { requireAllowed } from '#lib/chat/allowed-models';
import { cachePolicy, restrictPolicy } from '#lib/chat/cache/cache-policy';
import type { EmbeddingResponse } from '#lib/chat/embeddings/embedding-service';
import { embeddingService } from '#lib/chat/embeddings/embedding-singleton';
import { chatEngine } from '#lib/chat/engine-singleton';
import {
  type EmbeddingsBody,
  ollamaEmbedBody,
  ollamaEmbeddingsBody,
  openAiEmbeddingsBody,
} from '#lib/chat/formats/embeddings';
import { embeddingLogFields, rejectedLogFields } from '#lib/chat/http/access-log-fields';
import { submitterOf } from '#lib/chat/http/submitter';
import { authMode } from '#lib/config/auth-mode';
import { parseBody, readJson } from '#lib/http/body';
import { endUserPrincipal } from '#lib/http/end-user';
import type { HttpRequest } from '#lib/http/http-request';
import { ignoredFieldsHeader, unknownFields } from '#lib/http/ignored-fields';
import { withCallerSignal } from '#lib/http/open-work';
import { countEndUser } from '#lib/http/rate-limit';
import { jsonBytes, type Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { textStream } from '#lib/http/text-stream';
import type { EmbedInput, EmbedRequest } from '#lib/models/embedding';
import { checkEmbedSupport, noEmbeddings } from '#lib/models/embedding-support';
import { modelDirectory } from '#lib/models/model-directory';
import { modelOverrides } from '#lib/models/model-overrides';
import type { ResolvedModel } from '#lib/models/model-route';
import { runnerOptionsOf } from '#lib/models/runner-options';
import { MIB } from '#lib/units';
import {
  EXTRA_EMBEDDING_FIELDS,
  type OpenAiEmbeddings,
  ollamaEmbeddingsSchema,
  ollamaEmbedSchema,
  openAiEmbeddingsSchema,
} from '#lib/wire/embeddings-request';

/** Thousands of texts, as RAG sends them. */
const EMBEDDINGS_LIMIT_BYTES = 8 * MIB;
/** A body of more numbers is made while it is sent. */
const MAX_NUMBERS_AT_ONCE = 32_768;

const OPENAI_FIELDS = Object.keys(openAiEmbeddingsSchema.shape);
const EMBED_FIELDS = Object.keys(ollamaEmbedSchema.shape);
const EMBEDDINGS_FIELDS = Object.keys(ollamaEmbeddingsSchema.shape);

/** POST /v1/embeddings */
export async function handleOpenAiEmbeddings(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const body = await readJson(request, EMBEDDINGS_LIMIT_BYTES);
  const parsed = parseBody(openAiEmbeddingsSchema, body);
  const { model, dimensions, user, encoding_format: encoding } = parsed;
  const { isUncounted, settings } = context;
  const limits = { isUncounted, perMinute: settings.RATE_LIMIT_EMBEDDINGS };
  await countEndUser('embeddings', endUserPrincipal(context.principal, user), limits);
  return await embed(
    { model, inputs: inputsOf(parsed.input), dimensions, user, extra: extraOf(parsed) },
    unknownFields(body, parsed, OPENAI_FIELDS),
    (response) => openAiEmbeddingsBody({ ...response, model }, encoding === 'base64'),
    request,
    context,
    user,
  );
}

/** POST /api/embed of Ollama's API. */
export async function handleOllamaEmbed(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const startedMs = performance.now();
  const body = await readJson(request, EMBEDDINGS_LIMIT_BYTES, true);
  const parsed = parseBody(ollamaEmbedSchema, body);
  const { model, input = '', dimensions, truncate, options, keep_alive: keepAlive } = parsed;
  const inputs = typeof input === 'string' ? (input === '' ? [] : [input]) : input;
  return await embed(
    { model, inputs, dimensions, truncate, options, keepAlive },
    unknownFields(body, parsed, EMBED_FIELDS),
    (response) => ollamaEmbedBody({ ...response, model }, performance.now() - startedMs),
    request,
    context,
  );
}

/** POST /api/embeddings, the older route of Ollama's API. */
export async function handleOllamaEmbeddings(request: HttpRequest, context: RequestContext): Promise<Reply> {
  const body = await readJson(request, EMBEDDINGS_LIMIT_BYTES, true);
  const parsed = parseBody(ollamaEmbeddingsSchema, body);
  const { model, prompt = '', options, keep_alive: keepAlive } = parsed;
  return await embed(
    { model, inputs: prompt === '' ? [] : [prompt], options, keepAlive, isRaw: true },
    unknownFields(body, parsed, EMBEDDINGS_FIELDS),
    (response) => ollamaEmbeddingsBody({ ...response, model }),
    request,
    context,
  );
}

async function embed(
  wanted: EmbedRequest,
  unknown: readonly string[],
  write: (response: EmbeddingResponse) => EmbeddingsBody,
  request: HttpRequest,
  context: RequestContext,
  endUser?: string,
): Promise<Reply> {
  const submitter = submitterOf(request, context, undefined, 'sdk', endUser);
  const { caller, principal = context.principal, allowance, cacheMode = 'auto', cacheControl } = submitter;
  const { requestId } = context;
  // The same input has the same embedding.
  const policy = restrictPolicy(cachePolicy(cacheMode, 'sdk', true, context.settings.CACHE_SDK), cacheControl);
  context.failureLog = () => rejectedLogFields(context, wanted.model);
  const directory = modelDirectory();
  // Before the name of the model: the built-in model knows no other name.
  if ((await directory.providers()).every(({ embed: own }) => own === undefined)) throw noEmbeddings();
  const route = await directory.resolve(wanted.model);
  const { provider, model, targets } = route;
  requireAllowed(principal, wanted.model, route);
  const resolved = { ...wanted, model, options: optionsFor(wanted, route) };
  await allowance?.load();
  const leave = allowance?.enter('model');
  const submitted = { caller, principal, allowance, requestId, policy, targets };
  const work = (signal: AbortSignal) =>
    wanted.inputs.length === 0
      ? loadModel(resolved, provider, caller, signal)
      : embeddingService().embed(provider, resolved, { ...submitted, signal });
  // Without authentication no caller is locked out.
  const isOpen = authMode(context.settings) === 'none';
  const embedding = isOpen ? work(request.signal) : withCallerSignal(caller, request.signal, work);
  const response = await embedding.finally(leave);
  const { vectors, promptTokens, cacheStatus, ignoredFields } = response;
  const headers = { 'x-cache': cacheStatus, ...ignoredFieldsHeader(unknown, ignoredFields) };
  const log = embeddingLogFields(context, model, { cacheStatus, inputs: vectors.length, promptTokens });
  return { ...partsReply(write(response), vectors, response.release, headers), log };
}

/** The model's own options of Ollama's runner, which loads a model again for other ones. */
function optionsFor({ options }: EmbedRequest, route: ResolvedModel): EmbedRequest['options'] {
  const defaults = runnerOptionsOf(modelOverrides().defaultsOf(route).parameters);
  return defaults === undefined || route.provider.id !== 'ollama' ? options : { ...defaults, ...options };
}

/** Without inputs, Ollama loads the model. Other servers have nothing to do. */
async function loadModel(
  { model, options, keepAlive, isRaw }: EmbedRequest,
  provider: Parameters<typeof checkEmbedSupport>[0],
  caller: string,
  signal: AbortSignal,
): Promise<EmbeddingResponse> {
  const request: EmbedRequest = { model, inputs: [], options, keepAlive, isRaw };
  const ignoredFields = checkEmbedSupport(provider, request);
  if (provider.id === 'ollama')
    await chatEngine().runTask({ caller, priority: 0, model, provider, bytes: 0, signal }, async (chosen, taskSignal) =>
      chosen.embed?.({ ...request, isRaw: false }, taskSignal),
    );
  return { vectors: [], promptTokens: 0, cacheStatus: 'bypass', ignoredFields, release: () => {} };
}

function inputsOf(input: OpenAiEmbeddings['input']): readonly EmbedInput[] {
  if (typeof input === 'string') return [input];
  return isTokens(input) ? [input] : input;
}

function isTokens(input: readonly EmbedInput[] | readonly number[]): input is readonly number[] {
  return typeof input[0] === 'number';
}

function extraOf(parsed: OpenAiEmbeddings): Record<string, unknown> | undefined {
  const extra = Object.entries(parsed).filter(([name, value]) => EXTRA.has(name) && value !== undefined);
  return extra.length === 0 ? undefined : Object.fromEntries(extra);
}

const EXTRA: ReadonlySet<string> = new Set(EXTRA_EMBEDDING_FIELDS);

/** A small body as a whole, and a large one as it is read. `release` is called after the last. */
function partsReply(
  parts: EmbeddingsBody,
  vectors: EmbeddingResponse['vectors'],
  release: () => void,
  headers: Record<string, string>,
): Reply {
  if (vectors.reduce((sum, { length }) => sum + length, 0) <= MAX_NUMBERS_AT_ONCE) {
    const reply = jsonBytes([...parts].join(''), 200, headers);
    release();
    return reply;
  }
  return { ...jsonBytes('', 200, headers), body: textStream(parts, release) };
}
