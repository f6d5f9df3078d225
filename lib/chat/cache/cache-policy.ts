import type { Config } from '#lib/config/config';
import type { CacheMode, ChatRequest, ModelOptions } from '#lib/wire/chat';

/**
 * What a request does with the response cache and with running generations of the same request.
 * See docs/contract.md#cache and docs/decisions/0026-cache-policy.md.
 */
export interface CachePolicy {
  /** Reads the cache, and joins a running generation. */
  readonly reads: boolean;
  /** Its response is stored, and later requests may join its generation. */
  readonly stores: boolean;
}

/**
 * Whose requests read the cache by default: the pages and the native API always do, those of a
 * client of another API only if repeating one is certain to ask for the same response.
 */
export type CacheReaders = 'pages' | 'sdk';

/** The directives of a `Cache-Control` request header (RFC 9111, section 5.2.1) with an effect. */
export interface CacheControl {
  /** Does not read; `max-age=0` is the same. */
  readonly noCache: boolean;
  /** Neither reads nor stores. */
  readonly noStore: boolean;
  /** Reads no entry that is older. */
  readonly maxAgeMs: number | undefined;
  /** Generates nothing. */
  readonly onlyIfCached: boolean;
}

const OFF: CachePolicy = { reads: false, stores: false };
const STORES_ONLY: CachePolicy = { reads: false, stores: true };
const ON: CachePolicy = { reads: true, stores: true };

/** The policy of a request without `Cache-Control`. */
export function cachePolicy(
  mode: CacheMode,
  readers: CacheReaders,
  isDeterministic: boolean,
  sdk: Config['CACHE_SDK'],
): CachePolicy {
  if (mode === 'off') return OFF;
  if (mode === 'on' || readers === 'pages' || sdk === 'always') return ON;
  if (sdk === 'never') return OFF;
  // A page, or a request with `cache: "on"`, may read what a request with random sampling stores.
  return isDeterministic ? ON : STORES_ONLY;
}

/** A policy as `Cache-Control` bounds it. */
export function restrictPolicy(policy: CachePolicy, control: CacheControl | undefined): CachePolicy {
  if (control === undefined) return policy;
  if (control.noStore) return OFF;
  if (control.noCache && policy.reads) return policy.stores ? STORES_ONLY : OFF;
  // The client asks for a stored response by name, unless its body turns the cache off.
  return control.onlyIfCached && !control.noCache && policy.stores ? ON : policy;
}

/** The mode that the body names. `use_cache: false` is its older name for `off`. */
export function bodyCacheMode({ use_cache: usesCache, cache }: ChatRequest): CacheMode | undefined {
  return usesCache ? cache : 'off';
}

/**
 * Whether sampling leaves nothing to chance. The model's own defaults are random, and −1 is a
 * random seed for Ollama, llama.cpp and vLLM.
 */
export function hasDeterministicSampling({ temperature, seed }: ModelOptions): boolean {
  return temperature === 0 || (typeof seed === 'number' && seed >= 0);
}

const MAX_AGE = /^max-age=(?:"(\d{1,12})"|(\d{1,12}))$/;

/** Parses a `Cache-Control` header. Undefined if no directive of it has an effect. */
export function parseCacheControl(header: string): CacheControl | undefined {
  let [noCache, noStore, onlyIfCached] = [false, false, false];
  let maxAgeMs: number | undefined;
  for (const part of header.toLowerCase().split(',')) {
    const directive = part.trim();
    const [, quoted, plain] = MAX_AGE.exec(directive) ?? [];
    const seconds = quoted ?? plain;
    if (seconds !== undefined) maxAgeMs = Math.min(maxAgeMs ?? Number.POSITIVE_INFINITY, Number(seconds) * 1_000);
    else if (directive === 'no-cache') noCache = true;
    else if (directive === 'no-store') noStore = true;
    else if (directive === 'only-if-cached') onlyIfCached = true;
  }
  noCache ||= maxAgeMs === 0;
  return noCache || noStore || onlyIfCached || maxAgeMs !== undefined
    ? { noCache, noStore, maxAgeMs, onlyIfCached }
    : undefined;
}
