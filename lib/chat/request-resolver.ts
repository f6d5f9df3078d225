import { cacheKey } from '#lib/chat/cache/cache-key';
import { toModelRequest } from '#lib/chat/model-request';
import type { Config } from '#lib/config/config';
import type { ModelProvider, ModelRequest } from '#lib/models/provider';
import type { ChatRequest } from '#lib/wire/chat';

/** A request as its model gets it. */
export interface ResolvedRequest {
  readonly provider: ModelProvider;
  readonly request: ModelRequest;
  /** Undefined if the response is not to be cached. */
  readonly key: string | undefined;
  /** Fields of the request that have no effect on its provider, by their wire names. */
  readonly ignoredFields: readonly string[];
}

const NO_FIELDS: readonly string[] = [];

/** Turns chat requests into model requests and cache keys, and memoizes both by request object. */
export class RequestResolver {
  readonly #settings: Pick<Config, 'OLLAMA_SYSTEM_PROMPT'>;
  readonly #resolved = new WeakMap<ChatRequest, ResolvedRequest>();

  constructor(settings: Pick<Config, 'OLLAMA_SYSTEM_PROMPT'>) {
    this.#settings = settings;
  }

  resolve(request: ChatRequest, provider: ModelProvider, model: string): ResolvedRequest {
    const known = this.#resolved.get(request);
    if (known !== undefined && known.provider === provider && known.request.model === model) return known;
    const resolved = this.#resolve(request, provider, model);
    this.#resolved.set(request, resolved);
    return resolved;
  }

  #resolve(request: ChatRequest, provider: ModelProvider, model: string): ResolvedRequest {
    const modelRequest = toModelRequest(request, model, this.#settings.OLLAMA_SYSTEM_PROMPT);
    return {
      provider,
      request: modelRequest,
      key: request.use_cache ? cacheKey(provider.id, modelRequest) : undefined,
      ignoredFields: provider.checkFieldSupport?.(modelRequest) ?? NO_FIELDS,
    };
  }
}
