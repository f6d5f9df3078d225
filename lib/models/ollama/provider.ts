import { z } from 'zod';
import { AppError } from '#lib/errors';
import { checkTextOnly, echoing, ignoreFiles } from '#lib/models/completion';
import { continuedText, OverlapFilter, withContinueInstruction } from '#lib/models/continuation';
import type { EmbedRequest, EmbedResult } from '#lib/models/embedding';
import { checkFieldSupport, checkOpenAiOnlyFields, type FieldReport, type FieldRules } from '#lib/models/field-support';
import type { ForwardedResponse, ForwardRequest } from '#lib/models/forwarding';
import { lenientPositiveInt } from '#lib/models/lenient-schemas';
import { ASK_FOR_MODEL } from '#lib/models/missing-model';
import { modelOverrides } from '#lib/models/model-overrides';
import { type MapErrorStatus, ModelServerClient } from '#lib/models/model-server-client';
import { carriesError } from '#lib/models/model-server-errors';
import {
  type ChosenContext,
  ContextWindows,
  estimatePrompt,
  isPromptTruncated,
  neededTokens,
  type PromptEstimate,
} from '#lib/models/ollama/context-window';
import { ollamaEmbedCall, readOllamaEmbeddings } from '#lib/models/ollama/embed';
import { ollamaGenerateBody } from '#lib/models/ollama/generate-body';
import { OllamaServer } from '#lib/models/ollama/management';
import { ModelList, readOllama } from '#lib/models/ollama/model-list';
import { effectiveKeepAlive, isShorterKeepAlive, ollamaBody } from '#lib/models/ollama/request-body';
import { type OllamaChunk, OllamaResponse } from '#lib/models/ollama/response-stream';
import { ShownModels } from '#lib/models/ollama/shown-models';
import type { KeepAlive, ModelEventListener, ModelProvider, ModelRequest } from '#lib/models/provider';
import { runnerOptionsOf } from '#lib/models/runner-options';
import { ThinkReader } from '#lib/models/thinking/think-reader';
import {
  isReasoningModelName,
  mayContainThinkTags,
  type ThinkRules,
  thinkRulesByName,
} from '#lib/models/thinking/think-rules';
import type { TokenUsage } from '#lib/wire/chat';
import type { ModelInfo } from '#lib/wire/models';

export interface OllamaOptions {
  url: string;
  /** The name that the operator chose, for sentences. */
  name?: string | undefined;
  /** Seconds, or a Go duration. Requests cannot shorten it: other users may need the model. */
  keepAlive: KeepAlive;
  /** Longest `num_ctx` that is chosen for a request; 0 chooses none. @default 0 */
  maxContextTokens?: number;
}

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
  readonly #shown: ShownModels;
  readonly #list: ModelList;

  constructor({ url, name, keepAlive, maxContextTokens = 0 }: OllamaOptions) {
    this.#keepAlive = keepAlive;
    this.#contexts = new ContextWindows(maxContextTokens);
    this.#upstream = new ModelServerClient({
      name: 'Ollama',
      ownName: name,
      url,
      advice: 'Start it with `ollama serve`, or correct OLLAMA_API_URL.',
    });
    this.#shown = new ShownModels(this.#upstream);
    this.#list = new ModelList(this.#upstream, this.#shown, this.#contexts);
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
    if (mayDropThink(request) && this.#shown.isKnownNotThinking(request.model)) others.push('think');
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
    const dropsThink = mayDropThink(sent) && (await this.#shown.isThinking(sent.model, signal)) === false;
    const request = dropsThink ? withoutThink(sent) : sent;
    const begun = continuedText(request.messages);
    if (begun === undefined || (await this.#shown.continuesLast(request.model, signal)))
      return await this.#chat(request, signal, emit);
    const overlap = new OverlapFilter(begun, emit);
    const messages = withContinueInstruction(request.messages);
    try {
      await this.#chat({ ...request, messages }, signal, overlap.push);
    } finally {
      overlap.end();
    }
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

  models(signal: AbortSignal): Promise<Omit<ModelInfo, 'is_default'>[]> {
    return this.#list.read(signal);
  }

  async #context(request: ModelRequest, estimate: PromptEstimate, signal: AbortSignal): Promise<ChosenContext> {
    const { model, options, keepAlive } = request;
    if (options.num_ctx !== undefined) {
      const requested = lenientPositiveInt.parse(options.num_ctx);
      return { sent: undefined, effective: requested };
    }
    const kept = effectiveKeepAlive(keepAlive, this.#keepAlive);
    return await this.#contexts.choose(model, neededTokens(request, estimate), kept, () =>
      this.#list.contextOf(model, signal),
    );
  }

  async load(model: string, signal: AbortSignal, keepAlive?: KeepAlive): Promise<{ load_duration_ms: number }> {
    const startedAt = performance.now();
    const defaults = runnerOptionsOf(modelOverrides().defaultsOf({ model }).parameters);
    const num_ctx = defaults?.num_ctx ?? this.#contexts.held(model);
    const options = { ...defaults, ...(num_ctx === undefined ? {} : { num_ctx }) };
    const body = {
      model,
      messages: [],
      stream: false,
      keep_alive: effectiveKeepAlive(keepAlive, this.#keepAlive),
      // Other options than those of the next request would load the model again.
      ...(Object.keys(options).length === 0 ? {} : { options }),
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
    await readOllama(this.#upstream, '/api/version', z.object({ version: z.string() }), signal);
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
      opens: async () => (await named.opens()) || (await this.#shown.isThinking(model, signal)) === true,
      // Ollama itself reads the tags of a model that it lists as thinking.
      opensInTemplate: () => {
        if (!isReasoningModelName(model) || named.opensInTemplate() === false) return false;
        return this.#shown.isThinking(model, signal).then((isThinking) => isThinking === false);
      },
    };
  }
}

const mapErrorStatus =
  (model: string): MapErrorStatus =>
  (status) =>
    status === 404
      ? new AppError('model_not_found', `The model server has no model ${model}. ${ASK_FOR_MODEL}`, {
          operatorMessage: `Ollama has no model ${model}. Get it with \`ollama pull ${model}\`.`,
        })
      : undefined;

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

const OLLAMA_FIELD_RULES: FieldRules = {
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
