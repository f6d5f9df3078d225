import type { Clock } from '#lib/chat/clock';
import type { Generation } from '#lib/chat/generation/generation';
import type { RunningCalls } from '#lib/chat/scheduler/running-calls';
import type { Config } from '#lib/config/config';
import { AppError } from '#lib/errors';
import type { ModelEvent } from '#lib/models/provider';
import type { ResilientChat } from '#lib/models/resilience';

export interface ModelCallOptions {
  settings: Config;
  clock: Clock;
  /** `ModelProvider.chat` of a provider, with retries, breaker and timeouts around it. */
  call: ResilientChat;
}

/** Calls models, and writes what they send to the logs of generations. */
export class ModelCalls {
  readonly #options: ModelCallOptions;
  readonly #running: RunningCalls;
  #tokens = 0;

  constructor(options: ModelCallOptions, running: RunningCalls) {
    this.#options = options;
    this.#running = running;
  }

  /** Generated tokens so far. A model server's own count replaces that of the pieces at the end. */
  get tokens(): number {
    return this.#tokens;
  }

  /**
   * Generates the response. Waits for the provider's end, also past `done`, so that its connection
   * is reused. `retries` replaces UPSTREAM_RETRIES. An abort of `attempt` ends this call alone,
   * with its reason.
   */
  async generate(generation: Generation, retries?: number, attempt?: AbortSignal): Promise<void> {
    const { provider, request } = generation;
    const signal = attempt === undefined ? generation.signal : AbortSignal.any([generation.signal, attempt]);
    if (provider === undefined || request === undefined) return;
    await this.#options.call(provider, request, signal, (event) => this.#receive(generation, event), retries);
    if (generation.finishedAt === undefined)
      throw new AppError('upstream_truncated', 'The answer ended early. Try again.');
  }

  #receive(generation: Generation, event: ModelEvent): void {
    if (generation.finishedAt !== undefined) return;
    if (event.type === 'done') {
      const { completion_tokens: counted } = event.usage;
      if (counted > 0) this.#tokens += counted - generation.tokens;
      generation.finish(event);
    } else if (!('text' in event) || event.text !== '') {
      generation.firstTokenAt ??= this.#options.clock.now();
      if ('text' in event) {
        generation.tokens += 1;
        this.#tokens += 1;
      }
      generation.log.append(event);
      this.#boundResponses(generation);
    }
  }

  #boundResponses(generation: Generation): void {
    const tooLarge = this.#running.countResponse(generation);
    if (tooLarge === undefined) return;
    const { MAX_RESPONSE_MB: megabytes } = this.#options.settings;
    const error = new AppError(
      'upstream_failed',
      `The answer is longer than MAX_RESPONSE_MB allows (${megabytes} MB). Ask for a shorter one.`,
    );
    tooLarge.finish({ type: 'error', error });
  }
}
