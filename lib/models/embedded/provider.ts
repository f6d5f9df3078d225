import { stat } from 'node:fs/promises';
import { AppError } from '#lib/errors';
import { checkOllamaOnlyFields, checkTextOnly, echoing, ignoreFiles } from '#lib/models/completion';
import { type EmbeddedSettings, type EmbeddedWorker, modelFileOf } from '#lib/models/embedded/embedded-worker';
import { RelayedWorker } from '#lib/models/embedded/relayed-worker';
import { EMBEDDED_DEFAULTS, isReadableOption } from '#lib/models/embedded/sampling';
import { EmbeddedWorkerClient } from '#lib/models/embedded/worker-client';
import { checkFieldSupport, checkOpenAiOnlyFields, type FieldReport, type FieldRules } from '#lib/models/field-support';
import type {
  ModelEventListener,
  ModelProvider,
  ModelRequest,
  ProviderDefinition,
  SoleModel,
} from '#lib/models/provider';
import { ThinkReader } from '#lib/models/thinking/think-reader';
import { mayContainThinkTags, thinkRulesByName } from '#lib/models/thinking/think-rules';
import type { ModelInfo } from '#lib/wire/models';
import { supportsOption } from '#lib/wire/request-field-support';
import { workerProcess } from '#lib/worker-process';
import { DEFAULT_MODEL, type ModelLocation, modelLocation } from './model-path.ts';

/** The small model that this machine runs in a process next to the server. */
export class EmbeddedProvider implements ModelProvider {
  readonly id: 'embedded' = 'embedded';
  /** Its only name in requests. */
  readonly model: string;
  readonly worker: EmbeddedWorker;
  #soleModel: SoleModel | undefined;
  readonly #location: ModelLocation;
  readonly #contextTokens: number;
  readonly #thinking = new ThinkReader();

  constructor(settings: EmbeddedSettings) {
    this.#location = modelLocation(settings);
    this.model = this.#location.id;
    this.#contextTokens = settings.EMBEDDED_CONTEXT_TOKENS;
    const self = workerProcess();
    // Several servers of one machine share one model.
    this.worker = self === undefined ? new EmbeddedWorkerClient(modelFileOf(settings)) : new RelayedWorker(self);
  }

  /** One object for all: the directory asks for it with every request. */
  get soleModel(): SoleModel {
    const { model } = this;
    this.#soleModel ??= {
      id: model,
      notice: `You are using the small built-in model ${model}, which is often wrong. ${BETTER_MODEL_ADVICE}`,
      notFound: (requested) =>
        new AppError(
          'model_not_found',
          `Model ${requested} is not available. The built-in ${model} is the only one: name it, or ask the operator of this server for others.`,
          {
            operatorMessage: `Model ${requested} is not available. The built-in ${model} is the only one. ${BETTER_MODEL_ADVICE}`,
          },
        ),
    };
    return this.#soleModel;
  }

  checkFieldSupport(request: ModelRequest): readonly string[] {
    return checkFieldSupport(EMBEDDED_FIELD_RULES, request);
  }

  async chat(request: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void> {
    const { completion } = request;
    if (completion !== undefined) {
      const { prompt, echo } = completion;
      const listener = echo === true && typeof prompt === 'string' ? echoing(prompt, emit) : emit;
      return await this.#chat(request, signal, listener);
    }
    if (!mayContainThinkTags(request)) return await this.#chat(request, signal, emit);
    const tags = this.#thinking.filter(thinkRulesByName(request), emit);
    await this.#chat(request, signal, tags.push);
    await tags.settled();
  }

  async #chat(request: ModelRequest, signal: AbortSignal, emit: ModelEventListener): Promise<void> {
    this.#mustBe(request.model);
    if (request.messages.some(({ images }) => images !== undefined && images.length > 0))
      throw new AppError('unsupported_value', `The built-in model ${this.model} cannot read images.`);
    if (request.tools !== undefined && request.tools.length > 0)
      throw new AppError('unsupported_value', `The built-in model ${this.model} cannot use tools.`);
    if (!this.worker.loaded) await this.check(signal);
    await this.worker.chat(request, signal, emit);
  }

  async countTokens({ messages, model }: ModelRequest, signal: AbortSignal): Promise<number | undefined> {
    this.#mustBe(model);
    if (!this.worker.loaded) await this.check(signal);
    return await this.worker.countTokens(messages, signal);
  }

  async models(signal: AbortSignal): Promise<Omit<ModelInfo, 'is_default'>[]> {
    const size = await this.#size();
    signal.throwIfAborted();
    const { isDefault } = this.#location;
    return [
      {
        id: this.model,
        provider: this.id,
        size_bytes: size,
        parameter_size: isDefault ? '135M' : null,
        quantization: isDefault ? 'Q4_1' : null,
        context_length: this.#contextTokens,
        usable_context_length: this.#contextTokens,
        capabilities: { thinking: false, vision: false, tools: false },
        loaded: this.worker.loaded,
      },
    ];
  }

  async load(model: string, signal: AbortSignal): Promise<{ load_duration_ms: number }> {
    this.#mustBe(model);
    const startedAt = performance.now();
    await this.check(signal);
    await this.worker.load(signal);
    return { load_duration_ms: Math.round(performance.now() - startedAt) };
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#size();
    signal.throwIfAborted();
  }

  close(): Promise<void> {
    return this.worker.close();
  }

  #mustBe(model: string): void {
    if (model !== this.model)
      throw new AppError('model_not_found', `Model ${model} is not available. The built-in model is ${this.model}.`);
  }

  async #size(): Promise<number> {
    const found = await stat(this.#location.path).catch(() => undefined);
    const isWhole =
      this.#location.kind === 'path' || !('bytes' in this.#location) || found?.size === this.#location.bytes;
    if (found?.isFile() && isWhole) return found.size;
    const how =
      this.#location.kind === 'path'
        ? 'Correct EMBEDDED_MODEL.'
        : 'Fetch it with `npm run model`, or install Ollama, or set OPENAI_BASE_URL.';
    const state = found?.isFile() ? 'incomplete' : 'missing';
    throw new AppError('provider_unavailable', `The file of the built-in model ${this.model} is ${state}. ${how}`);
  }
}

/** What the small default model is called, for sentences. */
export const DEFAULT_EMBEDDED_ID = DEFAULT_MODEL.id;

const BETTER_MODEL_ADVICE =
  'For a better one, install Ollama and run `ollama pull deepseek-r1:8b`, or set OPENAI_BASE_URL.';

export const EMBEDDED_FIELD_RULES: FieldRules = {
  id: 'embedded',
  unsupported: 'the built-in model has no such setting',
  check: checkEmbeddedFields,
};

/** It runs in a process of this app. */
const EMBEDDED_URL = 'embedded:';

export const embeddedDefinition: ProviderDefinition = {
  id: 'embedded',
  displayName: 'The built-in model',
  hasTags: true,
  addresses: () => [{ url: EMBEDDED_URL, weight: 1 }],
  create: (settings) => new EmbeddedProvider(settings),
  isConfigured: () => false,
  optionDefaults: () => EMBEDDED_DEFAULTS,
};

function checkEmbeddedFields(request: ModelRequest, report: FieldReport): void {
  checkOpenAiOnlyFields(request, report);
  checkOllamaOnlyFields(request, report);
  checkTextOnly(request, report);
  ignoreFiles(request, report);
  const { tools, think, passthrough } = request;
  for (const [name, value] of Object.entries(request.options))
    if (supportsOption('embedded', name) && value !== null && !isReadableOption(name, value))
      report.ignore(`options.${name}`);
  if (tools !== undefined && tools.length > 0) report.rejectWith('tools', 'the built-in model cannot use tools');
  if (request.messages.some(({ images }) => images !== undefined && images.length > 0))
    report.rejectWith('messages.images', 'the built-in model cannot read images');
  if (request.logprobs === true) report.reject('logprobs');
  if (request.keepAlive !== undefined) report.ignore('keep_alive');
  // False bounds reasoning to none. `reasoning_effort` is reported by its own name.
  if (think !== undefined && think !== false && passthrough?.reasoning_effort === undefined)
    report.ignore(passthrough?.chat_template_kwargs === undefined ? 'think' : 'chat_template_kwargs');
  for (const { thinking, tool_name: tool, tool_call_id: id, tool_calls: calls } of request.messages) {
    if (thinking !== undefined) report.ignore('messages.thinking');
    if (tool !== undefined && id === undefined) report.ignore('messages.tool_name');
    if (id !== undefined) report.ignore('messages.tool_call_id');
    if (calls !== undefined && calls.length > 0) report.ignore('messages.tool_calls');
  }
}
