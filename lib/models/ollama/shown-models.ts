import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { AppError } from '#lib/errors';
import { lenientPositiveInt, lenientText, lenientTexts } from '#lib/models/lenient-schemas';
import type { ModelServerClient } from '#lib/models/model-server-client';
import { parameterDefaults } from '#lib/models/ollama/option-defaults';
import type { ModelInfo, OptionDefaults } from '#lib/wire/models';

/** The longest wait of a response for `/api/show`. */
export const SHOW_TIMEOUT_MS = 2_000;
/** The lifetime of what Ollama reported about a model, and of its silence. */
export const SHOWN_TTL_MS = 60_000;
const UNKNOWN_THINKING_TTL_MS = 10_000;
export const MAX_REMEMBERED_MODELS = 500;

export type ModelDetails = Pick<ModelInfo, 'context_length' | 'capabilities' | 'thinking_modes'> & {
  defaults: OptionDefaults;
};

const NO_CAPABILITIES = { thinking: false, vision: false, tools: false };

/** What Ollama reports about its models by `/api/show`, remembered for a while. */
export class ShownModels {
  readonly #upstream: ModelServerClient;
  /** By digest, which changes with the model. */
  readonly #details = new Map<string, ModelDetails>();
  /** Whether Ollama lists a model as thinking, by the model's name. */
  readonly #thinkingByModel = new LRUCache<string, boolean | 'not said'>({
    max: MAX_REMEMBERED_MODELS,
    ttl: SHOWN_TTL_MS,
  });
  /** Whether a template leaves a last message of the assistant open, by the model's name. */
  readonly #continuesByModel = new LRUCache<string, boolean>({ max: MAX_REMEMBERED_MODELS });

  constructor(upstream: ModelServerClient) {
    this.#upstream = upstream;
  }

  /** Whether it is known that a model does not reason. */
  isKnownNotThinking(model: string): boolean {
    return this.#thinkingByModel.get(model) === false;
  }

  /** Undefined if the server does not say. Its failure does not fail the response. */
  async isThinking(model: string, signal: AbortSignal): Promise<boolean | undefined> {
    let known = this.#thinkingByModel.get(model);
    if (known === undefined) {
      const inTime = AbortSignal.any([signal, AbortSignal.timeout(SHOW_TIMEOUT_MS)]);
      const shown = await this.show(model, inTime).catch((error: unknown) => {
        signal.throwIfAborted();
        if (inTime.aborted || AppError.is(error)) return undefined;
        throw error;
      });
      known = shown?.capabilities.thinking ?? 'not said';
      if (known === 'not said') this.#thinkingByModel.set(model, known, { ttl: UNKNOWN_THINKING_TTL_MS });
    }
    return known === 'not said' ? undefined : known;
  }

  /** Whether Ollama continues a last message of the assistant. */
  async continuesLast(model: string, signal: AbortSignal): Promise<boolean> {
    await this.isThinking(model, signal);
    return this.#continuesByModel.get(model) === true;
  }

  /** Of a model in the list. Undefined figures if the server does not show it. */
  async detailsOf(model: string, digest: string | undefined, signal: AbortSignal): Promise<ModelDetails> {
    const known = digest === undefined ? undefined : this.#details.get(digest);
    if (known !== undefined) return known;
    const details = await this.show(model, signal);
    if (details === undefined) return { context_length: null, capabilities: NO_CAPABILITIES, defaults: {} };
    if (digest !== undefined) this.#details.set(digest, details);
    return details;
  }

  /** Forgets the details of models that are not in the list any more. */
  retain(digests: ReadonlySet<string | undefined>): void {
    for (const digest of this.#details.keys()) if (!digests.has(digest)) this.#details.delete(digest);
  }

  /** Undefined if the server has no such model, or reports nothing of it. */
  async show(model: string, signal: AbortSignal): Promise<ModelDetails | undefined> {
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
}

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

/** Ollama does not list which models have levels. These have no other switch. */
function hasThinkingLevels(model: string): boolean {
  return /(^|\/)gpt-oss\b/i.test(model);
}
