import { LRUCache } from 'lru-cache';
import pLimit from 'p-limit';
import { z } from 'zod';
import { AppError } from '#lib/errors';
import { checkTextOnly, echoing, ignoreFiles } from '#lib/models/completion';
import { continuedText, OverlapFilter, withContinueInstruction } from '#lib/models/continuation';
import type { EmbedRequest, EmbedResult } from '#lib/models/embedding';
import { checkFieldSupport, checkOpenAiOnlyFields, type FieldReport, type FieldRules } from '#lib/models/field-support';
import type { ForwardedResponse, ForwardRequest } from '#lib/models/forwarding';
import {
  lenientByteCount,
  lenientList,
  lenientObject,
  lenientPositiveInt,
  lenientText,
  lenientTexts,
  lenientWord,
  nameSchema,
  strictList,
} from '#lib/models/lenient-schemas';
import { isSameTaggedModel } from '#lib/models/model-name';
import { type MapErrorStatus, ModelServerClient } from '#lib/models/model-server-client';
import { carriesError } from '#lib/models/model-server-errors';
import {
  type ChosenContext,
  ContextWindows,
  DEFAULT_CONTEXT_TOKENS,
  estimatePrompt,
  isPromptTruncated,
  type ModelContext,
  neededTokens,
  type PromptEstimate,
} from '#lib/models/ollama/context-window';
import { ollamaEmbedCall, readOllamaEmbeddings } from '#lib/models/ollama/embed';
import { ollamaGenerateBody } from '#lib/models/ollama/generate-body';
import { OllamaServer } from '#lib/models/ollama/management';
import { OLLAMA_DEFAULTS, parameterDefaults } from '#lib/models/ollama/option-defaults';
import { effectiveKeepAlive, isShorterKeepAlive, ollamaBody } from '#lib/models/ollama/request-body';
import { type OllamaChunk, OllamaResponse } from '#lib/models/ollama/response-stream';
import type {
  KeepAlive,
  ModelEventListener,
  ModelProvider,
  ModelRequest,
  ProviderDefinition,
} from '#lib/models/provider';
import { ThinkReader } from '#lib/models/thinking/think-reader';
import {
  isReasoningModelName,
  mayContainThinkTags,
  type ThinkRules,
  thinkRulesByName,
} from '#lib/models/thinking/think-rules';
import type { TokenUsage } from '#lib/wire/chat';
import type { ModelInfo, OptionDefaults } from '#lib/wire/models';

export interface OllamaOptions {
  url: string;
  /** Seconds, or a Go duration. Requests cannot shorten it: other users may need the model. */
  keepAlive: KeepAlive;
  /** Longest `num_ctx` that is chosen for a request; 0 chooses none. @default 0 */
  maxContextTokens?: number;
}

/** Concurrent `/api/show` requests. Each one reads a file in Ollama. */
const CONCURRENT_SHOW_REQUESTS = 4;
/** The longest wait of a response for `/api/show`. */
const SHOW_TIMEOUT_MS = 2_000;
/** The lifetime of what Ollama reported about a model, and of its silence. */
const THINKING_TTL_MS = 60_000;
const UNKNOWN_THINKING_TTL_MS = 10_000;
const MAX_REMEMBERED_MODELS = 500;

/**
 * Ollama, by its native API: its OpenAI route drops `num_ctx` and `think` and loses errors in
 * mid-stream.
 * https://github.com/ollama/ollama/blob/main/docs/api.md
 */
export class OllamaProvider implements ModelProvider {
  readonly id: 'ollama' = 'ollama';
  readonly ollama: OllamaServer;
  readonly templatesPrompts = true;
  readonly #upstream: ModelServerClient;
  readonly #keepAlive: KeepAlive;
  readonly #thinking = new ThinkReader();
  readonly #contexts: ContextWindows;
  readonly #contextByModel = new LRUCache<string, ModelContext>({ max: MAX_REMEMBERED_MODELS, ttl: THINKING_TTL_MS });
  /** By digest, which changes with the model. */
  readonly #details = new Map<string, ModelDetails>();
  /** Whether Ollama lists a model as thinking, by the model's name. */
  readonly #thinkingByModel = new LRUCache<string, boolean | 'not said'>({
    max: MAX_REMEMBERED_MODELS,
    ttl: THINKING_TTL_MS,
  });
  /** Whether a template leaves a last message of the assistant open, by the model's name. */
  readonly #continuesByModel = new LRUCache<string, boolean>({ max: MAX_REMEMBERED_MODELS });

  constructor({ url, keepAlive, maxContextTokens = 0 }: OllamaOptions) {
    this.#keepAlive = keepAlive;
    this.#contexts = new ContextWindows(maxContextTokens);
    this.#upstream = new ModelServerClient({
      name: 'Ollama',
      url,
      advice: 'Start it with `ollama serve`, or correct OLLAMA_API_URL.',
    });
    this.ollama = new OllamaServer(this.#upstream);
  }

  get connections(): number {
    return this.#upstream.connections;
  }

  checkFieldSupport(request: ModelRequest): readonly string[] {
    const ignored = checkFieldSupport(OLLAMA_FIELD_RULES, request);
    const { keepAlive } = request;
    const others: string[] = [];
    if (keepAlive !== undefined && isShorterKeepAlive(keepAlive, this.#keepAlive)) others.push('keep_alive');
    if (mayDropThink(request) && this.#thinkingByModel.get(request.model) === false) others.push('think');
    return others.length === 0 ? ignored : [...ignored, ...others];
  }

  async chat(sent: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void> {
    const { completion } = sent;
    if (completion !== undefined) {
      const { prompt, raw, suffix, echo } = completion;
      const listener = echo === true && typeof prompt === 'string' ? echoing(prompt, emit) : emit;
      // A text without the chat template is passed on as it is, whatever looks like a tag in it.
      const isText = raw || suffix !== undefined;
      return await (isText ? this.#stream(sent, signal, listener) : this.#chat(sent, signal, listener));
    }
    const dropsThink = mayDropThink(sent) && (await this.#isThinking(sent.model, signal)) === false;
    const request = dropsThink ? withoutThink(sent) : sent;
    const begun = continuedText(request.messages);
    if (begun === undefined || (await this.#continuesLast(request.model, signal)))
      return await this.#chat(request, signal, emit);
    const overlap = new OverlapFilter(begun, emit);
    const messages = withContinueInstruction(request.messages);
    try {
      await this.#chat({ ...request, messages }, signal, overlap.push);
    } finally {
      overlap.end();
    }
  }

  async #continuesLast(model: string, signal: AbortSignal): Promise<boolean> {
    await this.#isThinking(model, signal);
    return this.#continuesByModel.get(model) === true;
  }

  async #chat(request: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void> {
    if (!mayContainThinkTags(request)) return await this.#stream(request, signal, emit);
    const tags = this.#thinking.filter(this.#rules(request, signal), emit);
    await this.#stream(request, signal, tags.push);
    await tags.settled();
  }

  async #stream(request: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void> {
    const estimate = estimatePrompt(request);
    const context = await this.#context(request, estimate, signal);
    const response = new OllamaResponse({
      emit,
      errorText: (body) => this.#upstream.errorText(body),
      usageOf: (chunk) => usageOf(chunk, context.effective, estimate),
    });
    const { completion } = request;
    const options = { keepAlive: this.#keepAlive, numCtx: context.sent };
    const call =
      completion === undefined
        ? { path: '/api/chat', body: ollamaBody(request, options) }
        : { path: '/api/generate', body: ollamaGenerateBody(request, completion, options) };
    await this.#upstream.stream({ method: 'POST', ...call, signal }, response.push, mapErrorStatus(request.model));
    response.end();
  }

  async models(signal: AbortSignal): Promise<Omit<ModelInfo, 'is_default'>[]> {
    const [tags, loaded] = await Promise.all([this.#get('/api/tags', tagsSchema, signal), this.#running(signal)]);
    const limit = pLimit(CONCURRENT_SHOW_REQUESTS);
    const models = await Promise.all(
      tags.models.map((model) =>
        limit(async () => {
          const details = await this.#detailsOf(model.name, model.digest, signal);
          return {
            id: model.name,
            provider: this.id,
            size_bytes: model.size ?? null,
            parameter_size: model.details?.parameter_size || null,
            quantization: model.details?.quantization_level || null,
            ...infoOf(details),
            usable_context_length: this.#contexts.usable(details.context_length, details.defaults.num_ctx),
            ...(model.modified_at === undefined ? {} : { modified_at: model.modified_at }),
            ...(model.digest === undefined ? {} : { digest: model.digest }),
            loaded: loaded.has(model.name),
          };
        }),
      ),
    );
    const digests = new Set(tags.models.map((model) => model.digest));
    for (const digest of this.#details.keys()) if (!digests.has(digest)) this.#details.delete(digest);
    return models;
  }

  /** The loaded models with their context; empty if the server has no such list. */
  async #running(signal: AbortSignal): Promise<Map<string, number | undefined>> {
    try {
      const running = await this.#get('/api/ps', runningSchema, signal);
      return new Map(running.models.map((model) => [model.name, model.context_length]));
    } catch (error) {
      signal.throwIfAborted();
      if (AppError.is(error) && error.code !== 'provider_unavailable') return new Map();
      throw error;
    }
  }

  async #context(request: ModelRequest, estimate: PromptEstimate, signal: AbortSignal): Promise<ChosenContext> {
    const { model, options, keepAlive } = request;
    if (options.num_ctx !== undefined) {
      const requested = lenientPositiveInt.parse(options.num_ctx);
      return { sent: undefined, effective: requested };
    }
    const kept = effectiveKeepAlive(keepAlive, this.#keepAlive);
    return await this.#contexts.choose(model, neededTokens(request, estimate), kept, () =>
      this.#contextOf(model, signal),
    );
  }

  /** Missing figures are Ollama's defaults. Its failure does not fail the response. */
  async #contextOf(model: string, signal: AbortSignal): Promise<ModelContext> {
    const known = this.#contextByModel.get(model);
    if (known !== undefined) return known;
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(SHOW_TIMEOUT_MS)]);
    const failed = (error: unknown) => {
      signal.throwIfAborted();
      if (inTime.aborted || AppError.is(error)) return undefined;
      throw error;
    };
    const [shown, running] = await Promise.all([
      this.#show(model, inTime).catch(failed),
      this.#running(inTime).catch(failed),
    ]);
    const limit = shown?.context_length ?? undefined;
    const [, loaded] = [...(running ?? [])].find(([name]) => isSameTaggedModel(name, model)) ?? [];
    const usual = shown?.defaults.num_ctx ?? DEFAULT_CONTEXT_TOKENS;
    const context = { limit, usual: Math.min(usual, limit ?? usual), loaded };
    if (shown !== undefined) this.#contextByModel.set(model, context);
    return context;
  }

  async load(model: string, signal: AbortSignal, keepAlive?: KeepAlive): Promise<{ load_duration_ms: number }> {
    const startedAt = performance.now();
    const num_ctx = this.#contexts.held(model);
    const body = {
      model,
      messages: [],
      stream: false,
      keep_alive: effectiveKeepAlive(keepAlive, this.#keepAlive),
      // Another context than the chosen one would load the model again.
      ...(num_ctx === undefined ? {} : { options: { num_ctx } }),
    };
    try {
      const response = await this.#upstream.json(
        { method: 'POST', path: '/api/chat', body, signal },
        mapErrorStatus(model),
      );
      if (carriesError(response)) {
        const sentence = this.#upstream.errorText(response) ?? 'it did not say why';
        throw new AppError('model_load_failed', `Ollama could not load ${model}: ${sentence}`);
      }
    } catch (error) {
      if (AppError.is(error) && (error.code === 'upstream_failed' || error.code === 'unsupported_value'))
        throw new AppError('model_load_failed', `The model ${model} could not be loaded. ${error.message}`, {
          cause: error,
        });
      throw error;
    }
    return { load_duration_ms: Math.round(performance.now() - startedAt) };
  }

  async embed(request: EmbedRequest, signal: AbortSignal): Promise<EmbedResult> {
    const { path, body } = ollamaEmbedCall(request, this.#keepAlive);
    const response = await this.#upstream.json({ method: 'POST', path, body, signal }, mapErrorStatus(request.model));
    if (carriesError(response)) {
      const sentence = this.#upstream.errorText(response) ?? 'it did not say why';
      throw new AppError('unsupported_value', `Ollama rejected the request: ${sentence}`);
    }
    return readOllamaEmbeddings(request, response);
  }

  forward(request: ForwardRequest, signal: AbortSignal): Promise<ForwardedResponse> {
    return this.#upstream.forward(request, signal);
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#get('/api/version', z.object({ version: z.string() }), signal);
  }

  close(): Promise<void> {
    return this.#upstream.close();
  }

  /** Asks the server whether a model reasons, once a text looks like reasoning. */
  #rules(request: ModelRequest, signal: AbortSignal): ThinkRules {
    const { model } = request;
    const named = thinkRulesByName(request);
    return {
      ...named,
      opens: async () => (await named.opens()) || (await this.#isThinking(model, signal)) === true,
      // Ollama itself reads the tags of a model that it lists as thinking.
      opensInTemplate: () => {
        if (!isReasoningModelName(model) || named.opensInTemplate() === false) return false;
        return this.#isThinking(model, signal).then((isThinking) => isThinking === false);
      },
    };
  }

  /** Undefined if the server does not say. Its failure does not fail the response. */
  async #isThinking(model: string, signal: AbortSignal): Promise<boolean | undefined> {
    let known = this.#thinkingByModel.get(model);
    if (known === undefined) {
      const inTime = AbortSignal.any([signal, AbortSignal.timeout(SHOW_TIMEOUT_MS)]);
      const shown = await this.#show(model, inTime).catch((error: unknown) => {
        signal.throwIfAborted();
        if (inTime.aborted || AppError.is(error)) return undefined;
        throw error;
      });
      known = shown?.capabilities.thinking ?? 'not said';
      if (known === 'not said') this.#thinkingByModel.set(model, known, { ttl: UNKNOWN_THINKING_TTL_MS });
    }
    return known === 'not said' ? undefined : known;
  }

  async #detailsOf(model: string, digest: string | undefined, signal: AbortSignal): Promise<ModelDetails> {
    const known = digest === undefined ? undefined : this.#details.get(digest);
    if (known !== undefined) return known;
    const details = await this.#show(model, signal);
    if (details === undefined) return { context_length: null, capabilities: NO_CAPABILITIES, defaults: {} };
    if (digest !== undefined) this.#details.set(digest, details);
    return details;
  }

  async #show(model: string, signal: AbortSignal): Promise<ModelDetails | undefined> {
    const response = await this.#upstream
      .json({ method: 'POST', path: '/api/show', body: { model }, signal })
      .catch((error: unknown) => {
        signal.throwIfAborted();
        // A removed or broken model must not hide the others.
        if (AppError.is(error) && error.code !== 'provider_unavailable') return undefined;
        throw error;
      });
    const shown = showSchema.safeParse(response);
    if (!shown.success) return undefined;
    const details = detailsOf(model, shown.data);
    this.#thinkingByModel.set(model, details.capabilities.thinking);
    this.#continuesByModel.set(model, continuesLastMessage(shown.data.template ?? ''));
    return details;
  }

  async #get<T>(path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    const parsed = schema.safeParse(await this.#upstream.json({ method: 'GET', path, signal }));
    if (parsed.success) return parsed.data;
    throw this.#upstream.unexpectedServer('is not Ollama; correct OLLAMA_API_URL.');
  }
}

const mapErrorStatus =
  (model: string): MapErrorStatus =>
  (status) =>
    status === 404
      ? new AppError('model_not_found', `Ollama has no model ${model}. Get it with \`ollama pull ${model}\`.`)
      : undefined;

const tagsSchema = z.object({
  // Go writes an empty list as null.
  models: strictList(
    z
      .object({
        name: nameSchema.optional().catch(undefined),
        model: nameSchema.optional().catch(undefined),
        digest: lenientText,
        modified_at: lenientText,
        size: lenientByteCount,
        details: lenientObject({ parameter_size: lenientWord, quantization_level: lenientWord }),
      })
      .transform(({ name, model, ...rest }, context) => {
        const named = name ?? model;
        if (named !== undefined) return { name: named, ...rest };
        context.addIssue('has no name');
        return z.NEVER;
      }),
  )
    .nullable()
    .transform((models) => models ?? []),
});

const runningSchema = z.object({
  models: lenientList(z.object({ name: z.string(), context_length: lenientPositiveInt })),
});

const showSchema = z.object({
  capabilities: lenientTexts,
  parameters: lenientText,
  template: lenientText,
  model_info: z.record(z.string(), z.unknown()).optional().catch(undefined),
});

/**
 * Whether Ollama continues a last message of the assistant with this Go template. A template of
 * messages has to ask which one is the last; one of prompt and response is cut after the response.
 * https://github.com/ollama/ollama/blob/main/docs/template.md
 */
export function continuesLastMessage(template: string): boolean {
  if (template.includes('.Messages')) return /\(slice \$\.Messages/.test(template);
  return template.includes('.Response');
}

type ModelDetails = Pick<ModelInfo, 'context_length' | 'capabilities' | 'thinking_modes'> & {
  defaults: OptionDefaults;
};

const NO_CAPABILITIES = { thinking: false, vision: false, tools: false };

function detailsOf(model: string, { capabilities, parameters, model_info }: z.infer<typeof showSchema>): ModelDetails {
  const architecture = model_info?.['general.architecture'];
  const context = typeof architecture === 'string' ? model_info?.[`${architecture}.context_length`] : undefined;
  const has = (capability: string) => capabilities.includes(capability);
  const thinking = has('thinking');
  return {
    context_length: lenientPositiveInt.parse(context) ?? null,
    capabilities: { thinking, vision: has('vision'), tools: has('tools') },
    defaults: parameterDefaults(parameters ?? ''),
    ...(thinking ? { thinking_modes: hasThinkingLevels(model) ? ['low', 'medium', 'high'] : ['off', 'on'] } : {}),
  };
}

/** The details that a list of models has. */
function infoOf({ defaults, ...info }: ModelDetails) {
  return Object.keys(defaults).length === 0 ? info : { ...info, defaults };
}

/** Ollama does not list which models have levels. These have no other switch. */
function hasThinkingLevels(model: string): boolean {
  return /(^|\/)gpt-oss\b/i.test(model);
}

/** The token counts of the last chunk, with what is known of the context. */
function usageOf(
  { prompt_eval_count: read = 0, eval_count: written = 0 }: OllamaChunk,
  context: number | undefined,
  estimate: PromptEstimate,
): TokenUsage {
  const usage = { prompt_tokens: read, completion_tokens: written };
  if (context === undefined) return usage;
  const isTruncated = read > 0 && isPromptTruncated(usage, context, estimate);
  return { ...usage, context_length: context, ...(isTruncated ? { prompt_truncated: true } : {}) };
}

/** Ollama refuses `think` for a model that does not reason. */
function mayDropThink({ think, thinkOptional }: ModelRequest): boolean {
  return thinkOptional === true && think !== undefined && think !== false;
}

function withoutThink({ think: _, ...request }: ModelRequest): ModelRequest {
  return request;
}

export const OLLAMA_FIELD_RULES: FieldRules = {
  id: 'ollama',
  unsupported: 'Ollama has no such setting',
  check: checkOllamaFields,
};

function checkOllamaFields(request: ModelRequest, report: FieldReport): void {
  checkOpenAiOnlyFields(request, report);
  checkTextOnly(request, report);
  ignoreFiles(request, report);
  if (request.completion?.prompt === '')
    report.rejectWith('prompt', 'must not be empty: Ollama only loads the model for it');
}

export const ollamaDefinition: ProviderDefinition = {
  id: 'ollama',
  displayName: 'Ollama',
  hasTags: true,
  addresses: ({ OLLAMA_API_URL: addresses }) => addresses,
  create: (settings, { url }) =>
    new OllamaProvider({
      url,
      keepAlive: settings.OLLAMA_KEEP_ALIVE,
      maxContextTokens: settings.OLLAMA_MAX_CONTEXT_TOKENS,
    }),
  optionDefaults: () => OLLAMA_DEFAULTS,
  isConfigured: ({ given }) => given.has('OLLAMA_API_URL'),
  probe: async ({ OLLAMA_API_URL: [address] }, signal) => address !== undefined && probeOllama(address.url, signal),
  pullCommand,
  missingDefaultNotice: (model, chosen) =>
    chosen === undefined
      ? `Ollama has no model yet. Get one with \`${pullCommand(model)}\`.`
      : `The default model ${model} is not pulled, so ${chosen} answers. Get it with \`${pullCommand(model)}\`.`,
};

function pullCommand(model: string): string {
  return `ollama pull ${model}`;
}

/** Whether an Ollama responds at `url`. Opens one connection and closes it. */
async function probeOllama(url: string, signal: AbortSignal): Promise<boolean> {
  const provider = new OllamaProvider({ url, keepAlive: 0 });
  try {
    await provider.check(signal);
    return true;
  } catch {
    return false;
  } finally {
    await provider.close();
  }
}
