import { AppError } from '#lib/errors';
import { checkOllamaOnlyFields, echoing } from '#lib/models/completion';
import { continuedText, OverlapFilter } from '#lib/models/continuation';
import type { EmbedRequest, EmbedResult } from '#lib/models/embedding';
import { checkFieldSupport, type FieldReport, type FieldRules } from '#lib/models/field-support';
import type { ForwardedResponse, ForwardRequest } from '#lib/models/forwarding';
import { type MapErrorStatus, ModelServerClient } from '#lib/models/model-server-client';
import { carriesError } from '#lib/models/model-server-errors';
import { countTokensByServer } from '#lib/models/openai/count-tokens';
import { openAiEmbedBody, readOpenAiEmbeddings } from '#lib/models/openai/embed';
import { infillBody, LLAMA_CPP_OWNER } from '#lib/models/openai/infill';
import { readModelList } from '#lib/models/openai/model-list';
import { isEchoedByServer, openAiBody, openAiCompletionBody } from '#lib/models/openai/request-body';
import { OpenAiResponse } from '#lib/models/openai/response-stream';
import type {
  ModelCompletion,
  ModelEventListener,
  ModelProvider,
  ModelRequest,
  ProviderDefinition,
} from '#lib/models/provider';
import { ThinkReader } from '#lib/models/thinking/think-reader';
import { mayContainThinkTags, thinkRulesByName } from '#lib/models/thinking/think-rules';
import { isMissingEndpoint, missingEndpoint } from '#lib/models/unsupported-endpoint';
import type { ModelInfo } from '#lib/wire/models';

export interface OpenAiOptions {
  /** With its `/v1`. */
  url: string;
  key?: string | undefined;
  /** The name that the operator chose, for sentences. */
  name?: string | undefined;
}

/** A server with OpenAI's chat completions API: vLLM, llama.cpp, LM Studio, a hosted one. */
export class OpenAiProvider implements ModelProvider {
  readonly id: 'openai' = 'openai';
  readonly #upstream: ModelServerClient;
  /** Of the server's routes outside of its /v1. */
  readonly #root: ModelServerClient;
  readonly #thinking = new ThinkReader();
  /** Models that the server lists as reasoning. */
  #reasoning: ReadonlySet<string> = new Set();
  /** The models that the server lists, by their names. */
  #listed: ReadonlyMap<string, ListedModel> = new Map();

  constructor({ url, key, name }: OpenAiOptions) {
    const options = {
      name: 'The model server',
      ownName: name,
      advice: 'Start it, or correct OPENAI_BASE_URL.',
      ...(key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } }),
    };
    this.#upstream = new ModelServerClient({ ...options, url });
    this.#root = new ModelServerClient({ ...options, url: url.replace(/\/v1\/*$/, '') });
  }

  get connections(): number {
    return this.#upstream.connections + this.#root.connections;
  }

  checkFieldSupport(request: ModelRequest): readonly string[] {
    const ignored = checkFieldSupport(OPENAI_FIELD_RULES, request);
    const isLost = request.completion?.files !== undefined && this.#listed.get(request.model)?.isLlamaCpp !== true;
    return isLost ? [...ignored, 'input_extra'] : ignored;
  }

  async chat(request: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void> {
    if (request.completion !== undefined) return await this.#complete(request, request.completion, signal, emit);
    const continued = continuedText(request.messages);
    if (continued === undefined) return await this.#chat(request, signal, emit);
    const overlap = new OverlapFilter(continued, emit);
    try {
      await this.#chat(request, signal, overlap.push);
    } finally {
      overlap.end();
    }
  }

  async #chat(request: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void> {
    if (!mayContainThinkTags(request)) return await this.#stream(request, signal, emit);
    const tags = this.#thinking.filter(thinkRulesByName(request, this.#reasoning.has(request.model)), emit);
    await this.#stream(request, signal, tags.push);
    await tags.settled();
  }

  async #stream(request: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void> {
    const notFound = mapErrorStatus(request.model);
    const { stop: stops } = request.options;
    await this.#post({ path: '/chat/completions', body: openAiBody(request), notFound, stops }, signal, emit);
  }

  /** Text is passed on as it is: without a chat template, tags in it have no meaning. */
  async #complete(
    request: ModelRequest,
    completion: ModelCompletion,
    signal: AbortSignal,
    emit: ModelEventListener,
  ): Promise<void> {
    const { prompt, echo } = completion;
    const isEchoedHere = echo === true && typeof prompt === 'string' && !isEchoedByServer(request);
    const { model } = request;
    const listed = this.#listed.get(model);
    const isInfill = completion.suffix !== undefined || completion.files !== undefined;
    if (isInfill && listed?.isLlamaCpp === true) return await this.#fill(infillBody(request, completion), signal, emit);
    const body = openAiCompletionBody(request, completion, listed?.contextTokens);
    const notFound = listed === undefined ? mapErrorStatus(model) : mapMissingRoute(model);
    const call = { path: '/completions', body, notFound, stops: request.options.stop };
    await this.#post(call, signal, isEchoedHere ? echoing(prompt, emit) : emit);
  }

  async #fill(body: object, signal: AbortSignal, emit: ModelEventListener): Promise<void> {
    const response = new OpenAiResponse(emit, this.#root);
    await this.#root.stream({ method: 'POST', path: '/infill', body, signal }, response.push, mapNoInfill);
    response.end();
  }

  async #post(
    { path, body, notFound, stops }: { path: string; body: object; notFound: MapErrorStatus; stops: unknown },
    signal: AbortSignal,
    emit: ModelEventListener,
  ): Promise<void> {
    const response = new OpenAiResponse(emit, this.#upstream, stops);
    await this.#upstream.stream({ method: 'POST', path, body, signal }, response.push, notFound);
    response.end();
  }

  countTokens(request: ModelRequest, signal: AbortSignal): Promise<number | undefined> {
    return countTokensByServer(this.#root, request, signal);
  }

  async models(signal: AbortSignal): Promise<Omit<ModelInfo, 'is_default'>[]> {
    const listed = readModelList(await this.#upstream.json({ method: 'GET', path: '/models', signal }));
    if (listed === undefined)
      throw this.#upstream.unexpectedServer(
        "does not list models as OpenAI's API does; OPENAI_BASE_URL needs its /v1.",
      );
    this.#reasoning = new Set(listed.filter(({ thinking }) => thinking).map(({ id }) => id));
    this.#listed = new Map(
      listed.map(({ id, owner, usableContextLength, contextLength }) => [
        id,
        { contextTokens: usableContextLength ?? contextLength, isLlamaCpp: owner === LLAMA_CPP_OWNER },
      ]),
    );
    return listed.map(({ id, sizeBytes, contextLength, usableContextLength, thinking, vision, tools }) => ({
      id,
      provider: this.id,
      size_bytes: sizeBytes ?? null,
      parameter_size: null,
      quantization: null,
      context_length: contextLength ?? null,
      usable_context_length: usableContextLength ?? null,
      ...(thinking ? { thinking_modes: ['low', 'medium', 'high'] as const } : {}),
      capabilities: { thinking, vision: vision ?? LOOKS_MULTIMODAL.test(id), tools },
      loaded: true,
    }));
  }

  /** The API has no request that loads a model, so this checks that the server lists it. */
  async load(model: string, signal: AbortSignal): Promise<{ load_duration_ms: number }> {
    const startedAt = performance.now();
    const models = await this.models(signal);
    if (!models.some(({ id }) => id === model)) throw modelNotServed(model);
    return { load_duration_ms: Math.round(performance.now() - startedAt) };
  }

  async embed(request: EmbedRequest, signal: AbortSignal): Promise<EmbedResult> {
    const response = await this.#upstream.json(
      { method: 'POST', path: '/embeddings', body: openAiEmbedBody(request), signal },
      (status, sentence) =>
        isMissingEndpoint(status, sentence)
          ? missingEndpoint('/v1/embeddings', sentence)
          : mapErrorStatus(request.model)(status, sentence),
    );
    if (carriesError(response)) throw rejected(this.#upstream.errorText(response));
    return readOpenAiEmbeddings(request, response);
  }

  /** Paths below `/v1` go below the configured address, others next to it. */
  forward(request: ForwardRequest, signal: AbortSignal): Promise<ForwardedResponse> {
    const { path } = request;
    if (!path.startsWith('/v1/')) return this.#root.forward(request, signal);
    return this.#upstream.forward({ ...request, path: path.slice('/v1'.length) }, signal);
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.models(signal);
  }

  async close(): Promise<void> {
    await Promise.all([this.#upstream.close(), this.#root.close()]);
  }
}

/** The API does not report which models read images. */
const LOOKS_MULTIMODAL = /\b(gpt-4o|gpt-4\.1|gpt-5|o[34]|claude|gemini|gemma-?3|llava|pixtral|.*[-_]?vl|.*vision)\b/i;

/** `sentence` is the server's own: a gateway also has no server for what a request needs. */
const modelNotServed = (model: string, sentence?: string) =>
  new AppError(
    'model_not_found',
    `The model server has no model ${model}. GET /api/models lists its models.${sentence === undefined ? '' : ` It says: ${sentence}`}`,
  );

function rejected(sentence = 'it did not say why'): AppError {
  return new AppError('unsupported_value', `The model server rejected the request: ${sentence}`);
}

const mapErrorStatus =
  (model: string): MapErrorStatus =>
  (status, sentence) =>
    status === 404 ? modelNotServed(model, sentence) : undefined;

interface ListedModel {
  readonly contextTokens: number | undefined;
  readonly isLlamaCpp: boolean;
}

/** llama.cpp responds with 501 for a model that has no marks. */
const mapNoInfill: MapErrorStatus = (status, sentence) =>
  status === 501
    ? new AppError('unsupported_value', `The model cannot fill in the middle: ${sentence ?? 'it has no marks for it'}`)
    : undefined;

/** For a model that the server lists: then it is the route that is missing. */
const mapMissingRoute =
  (model: string): MapErrorStatus =>
  (status) =>
    status === 404 || status === 405
      ? new AppError(
          'unsupported_value',
          `The model server has ${model} for chats only, and no /completions. Use /v1/chat/completions.`,
        )
      : undefined;

export const OPENAI_FIELD_RULES: FieldRules = {
  id: 'openai',
  unsupported: 'this model server does not know it',
  check(request: ModelRequest, report: FieldReport): void {
    checkOllamaOnlyFields(request, report);
    const { keepAlive, options, passthrough, completion } = request;
    const { num_predict: tokens } = options;
    if (tokens != null && (typeof tokens !== 'number' || tokens === 0)) report.ignore('options.num_predict');
    // A text without a template has no reasoning to switch off.
    const think = completion !== undefined && request.think === false ? undefined : request.think;
    if (keepAlive !== undefined) report.ignore('keep_alive');
    const hasOwnSwitch = (passthrough?.reasoning_effort ?? passthrough?.chat_template_kwargs) !== undefined;
    if (typeof think === 'boolean' && !hasOwnSwitch) report.ignore('think');
  },
};

export const openAiDefinition: ProviderDefinition = {
  id: 'openai',
  displayName: 'The model server',
  hasTags: false,
  addresses: ({ OPENAI_BASE_URL: addresses }) => addresses,
  create: ({ OPENAI_API_KEY: keys }, { url, name }, index) =>
    new OpenAiProvider({ url, name, key: keys.length === 1 ? keys[0] : keys[index] }),
  isConfigured: ({ given }) => given.has('OPENAI_BASE_URL'),
};
