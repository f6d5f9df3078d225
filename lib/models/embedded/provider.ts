import { stat } from 'node:fs/promises';
import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import { EmbeddedWorkerClient } from '#lib/models/embedded/worker-client';
import { checkFieldSupport } from '#lib/models/field-support';
import type { ModelEvent, ModelProvider, ModelRequest } from '#lib/models/provider';
import { mayContainThinkTags, ThinkReader, thinkRulesByName } from '#lib/models/thinking/think-reader';
import type { ModelInfo } from '#lib/wire/models';
import { DEFAULT_MODEL, type ModelLocation, modelLocation } from './model-path.ts';

type EmbeddedSettings = Pick<
  Config,
  'EMBEDDED_MODEL' | 'EMBEDDED_CONTEXT_TOKENS' | 'EMBEDDED_THREADS' | 'MODEL_CACHE_DIR'
>;

/** The small model that this machine runs by itself, in a process of its own. */
export class EmbeddedProvider implements ModelProvider {
  readonly id: 'embedded' = 'embedded';
  /** The one name by which requests call it. */
  readonly model: string;
  readonly worker: EmbeddedWorkerClient;
  readonly #location: ModelLocation;
  readonly #contextTokens: number;
  readonly #thinking = new ThinkReader();

  constructor(settings: EmbeddedSettings) {
    this.#location = modelLocation(settings);
    this.model = this.#location.id;
    this.#contextTokens = settings.EMBEDDED_CONTEXT_TOKENS;
    this.worker = new EmbeddedWorkerClient({
      path: this.#location.path,
      contextTokens: settings.EMBEDDED_CONTEXT_TOKENS,
      threads: settings.EMBEDDED_THREADS,
    });
  }

  checkFieldSupport(request: ModelRequest): readonly string[] {
    return checkFieldSupport('embedded', request);
  }

  chat(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent> {
    const events = this.#events(request, signal);
    return mayContainThinkTags(request) ? this.#thinking.split(events, thinkRulesByName(request)) : events;
  }

  async *#events(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    this.#mustBe(request.model);
    if (request.messages.some(({ images }) => images !== undefined && images.length > 0))
      throw new AppError('unsupported_value', `The built-in model ${this.model} does not see images.`);
    if (request.tools !== undefined && request.tools.length > 0)
      throw new AppError('unsupported_value', `The built-in model ${this.model} does not support tools.`);
    if (!this.worker.loaded) await this.check(signal);
    yield* this.worker.chat(request, signal);
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
    if (model !== this.model) throw new AppError('model_not_found', `The built-in model is called ${this.model}.`);
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
