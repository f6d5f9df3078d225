import { estimateTokens } from '#lib/models/estimate-tokens';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';

/** Bounds the prompts that are held while a model server counts their tokens. */
const MAX_COUNTS = 16;

export interface TokenCount {
  readonly tokens: number;
  /** Whether the model server has no tokenizer for the prompt, or MAX_COUNTS others are counted. */
  readonly isEstimate: boolean;
}

/** Counts tokens of prompts. A count waits in no queue. */
export class TokenCounter {
  #running = 0;

  async count(provider: ModelProvider, prompt: ModelRequest, signal: AbortSignal): Promise<TokenCount> {
    const tokens = this.#running < MAX_COUNTS ? await this.#ask(provider, prompt, signal) : undefined;
    return { tokens: tokens ?? estimateTokens(prompt), isEstimate: tokens === undefined };
  }

  async #ask(provider: ModelProvider, prompt: ModelRequest, signal: AbortSignal): Promise<number | undefined> {
    this.#running += 1;
    try {
      return await provider.countTokens?.(prompt, signal);
    } finally {
      this.#running -= 1;
    }
  }
}
