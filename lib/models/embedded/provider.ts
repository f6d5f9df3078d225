import { stat } from 'node:fs/promises';
import type { Config } from '#lib/config/index';
import { Fault } from '#lib/fault';
import { EmbeddedHost } from '#lib/models/embedded/host';
import type { ModelEvent, ModelProvider, ModelRequest } from '#lib/models/provider';
import { reviewFields } from '#lib/models/review';
import { mayWriteThinking, rulesByName, ThinkReader } from '#lib/models/thinking';
import type { ModelInfo } from '#lib/wire/models';
import { DEFAULT_MODEL, type ModelLocation, modelLocation } from './location.mjs';

type EmbeddedSettings = Pick<
  Config,
  'EMBEDDED_MODEL' | 'EMBEDDED_CONTEXT_TOKENS' | 'EMBEDDED_THREADS' | 'MODEL_CACHE_DIR'
>;

/** The small model that this machine runs by itself, in a process of its own. */
export class EmbeddedProvider implements ModelProvider {
  readonly id: 'embedded' = 'embedded';
  /** The one name by which requests call it. */
  readonly model: string;
  readonly host: EmbeddedHost;
  readonly #location: ModelLocation;
  readonly #contextTokens: number;
  readonly #thinking = new ThinkReader();

  constructor(settings: EmbeddedSettings) {
    this.#location = modelLocation(settings);
    this.model = this.#location.id;
    this.#contextTokens = settings.EMBEDDED_CONTEXT_TOKENS;
    this.host = new EmbeddedHost({
      path: this.#location.path,
      contextTokens: settings.EMBEDDED_CONTEXT_TOKENS,
      threads: settings.EMBEDDED_THREADS,
    });
  }

  review(request: ModelRequest): readonly string[] {
    return reviewFields('embedded', request);
  }

  chat(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelEvent> {
    const events = this.#events(request, signal);
    return mayWriteThinking(request) ? this.#thinking.split(events, rulesByName(request)) : events;
  }

  async *#events(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent> {
    this.#mustBe(request.model);
    if (request.messages.some(({ images }) => images !== undefined && images.length > 0))
      throw new Fault('unsupported_value', `The built-in model ${this.model} does not see images.`);
    if (request.tools !== undefined && request.tools.length > 0)
      throw new Fault('unsupported_value', `The built-in model ${this.model} does not support tools.`);
    if (!this.host.loaded) await this.check(signal);
    yield* this.host.chat(request, signal);
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
        loaded: this.host.loaded,
      },
    ];
  }

  async load(model: string, signal: AbortSignal): Promise<{ load_duration_ms: number }> {
    this.#mustBe(model);
    const startedAt = performance.now();
    await this.check(signal);
    await this.host.load(signal);
    return { load_duration_ms: Math.round(performance.now() - startedAt) };
  }

  async check(signal: AbortSignal): Promise<void> {
    await this.#size();
    signal.throwIfAborted();
  }

  close(): Promise<void> {
    return this.host.close();
  }

  #mustBe(model: string): void {
    if (model !== this.model) throw new Fault('model_not_found', `The built-in model is called ${this.model}.`);
  }

  async #size(): Promise<number> {
    const found = await stat(this.#location.path).catch(() => undefined);
    const isWhole =
      this.#location.kind === 'path' || !('bytes' in this.#location) || found?.size === this.#location.bytes;
    if (found?.isFile() && isWhole) return found.size;
    const how =
      this.#location.kind === 'path'
        ? 'Correct EMBEDDED_MODEL.'
        : 'Fetch it with `node scripts/model.mjs`, or install Ollama, or set OPENAI_BASE_URL.';
    const state = found?.isFile() ? 'incomplete' : 'missing';
    throw new Fault('provider_unavailable', `The file of the built-in model ${this.model} is ${state}. ${how}`);
  }
}

/** What the small default model is called, for sentences. */
export const DEFAULT_EMBEDDED_ID = DEFAULT_MODEL.id;
