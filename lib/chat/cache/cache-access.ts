import { hash } from 'node:crypto';
import { type CachePolicy, cachePolicy, restrictPolicy } from '#lib/chat/cache/cache-policy';
import { CachedResponse, ResponseCache } from '#lib/chat/cache/response-cache';
import type { Clock } from '#lib/chat/clock';
import type { CompletedResponse } from '#lib/chat/generation/completed-response';
import { MAX_VALUE_BYTES, type PersistentCache } from '#lib/chat/persistence/persistent-cache';
import { CACHE_FORMAT, decodeResponse, encodeResponse } from '#lib/chat/persistence/stored-response';
import type { KeyedRequest, Submitter } from '#lib/chat/submitter';
import type { SharedValues } from '#lib/cluster/cluster';
import type { Config } from '#lib/config/config';
import { MIB } from '#lib/units';
import type { CacheMode } from '#lib/wire/chat';
import type { CacheStats } from '#lib/wire/server-stats';

/** What a request may read from the response cache, and store in it. */
export class CacheAccess {
  readonly #settings: Config;
  readonly #cache: ResponseCache;
  readonly #persistent: PersistentCache | undefined;
  readonly #shared: SharedValues | undefined;

  /**
   * `shared` is the level that other servers read, `persistent` the one that outlives restarts;
   * absent if the cache is in memory only.
   */
  constructor(settings: Config, clock: Clock, persistent?: PersistentCache, shared?: SharedValues) {
    this.#shared = shared;
    this.#settings = settings;
    this.#persistent = persistent;
    this.#cache = new ResponseCache(
      { maxBytes: settings.CACHE_MAX_SIZE_MB * MIB, ttlMs: settings.CACHE_TTL_SECONDS * 1000 },
      clock,
    );
    persistent?.keepThose((key) => this.#cache.has(key));
  }

  get isEnabled(): boolean {
    return this.#settings.CACHE_ENABLED;
  }

  /** The policy of a request without headers. */
  policyOf(
    mode: CacheMode | undefined,
    isDeterministic: boolean,
    { readsCache = 'pages' }: Pick<Submitter, 'readsCache'>,
  ): CachePolicy {
    return cachePolicy(mode ?? 'auto', readsCache, isDeterministic, this.#settings.CACHE_SDK);
  }

  /** A request's policy by its body, as its headers change it. */
  effectivePolicy(
    { policy, cacheMode, isDeterministic }: Pick<KeyedRequest, 'policy' | 'cacheMode' | 'isDeterministic'>,
    submitter: Submitter,
  ): CachePolicy {
    const { cacheMode: headerMode, cacheControl } = submitter;
    const isByBody = headerMode === undefined || cacheMode !== undefined;
    return restrictPolicy(isByBody ? policy : this.policyOf(headerMode, isDeterministic, submitter), cacheControl);
  }

  /** A cache key, per caller if responses are not shared. */
  scopedKey(key: string | undefined, caller: string): string | undefined {
    // A digest: keys are in the database and in Redis, where no name of a caller belongs.
    return key === undefined || this.#settings.CACHE_SCOPE === 'all'
      ? key
      : `${key} ${hash('sha256', caller, 'base64url')}`;
  }

  /** Whether `load` may find a response that is not in memory. */
  mayLoad(key: string): boolean {
    const mayHave = this.#shared?.isUsable === true || this.#persistent?.mayHave(key) === true;
    return mayHave && !this.#cache.has(key);
  }

  /** Brings a response from another level into memory, if it is there. Never rejects. */
  async load(key: string): Promise<void> {
    const shared = await this.#shared?.read(sharedKey(key));
    const other = shared && { createdAt: shared.createdAt, value: shared.bytes };
    const stored = other ?? (await this.#persistent?.read(key));
    const response = stored && decodeResponse(stored.value);
    // A newer one may have come in the meantime.
    if (response !== undefined && stored !== undefined && !this.#cache.has(key))
      this.#cache.restore(key, new CachedResponse(response, stored.createdAt));
  }

  /** The cached response, unless it is older than the submitter accepts. */
  lookUp(key: string, { cacheControl }: Submitter): CachedResponse | undefined {
    const maxAgeMs = cacheControl?.maxAgeMs;
    return maxAgeMs !== undefined && this.#cache.isOlder(key, maxAgeMs) ? undefined : this.#cache.get(key);
  }

  /** Like `lookUp`, but counts no miss. */
  lookUpStored(key: string, submitter: Submitter): CachedResponse | undefined {
    return this.#cache.has(key) ? this.lookUp(key, submitter) : undefined;
  }

  /**
   * Stores a response that is of use. `isLimitFine`: it is whole at its token limit. `isNew`: it
   * was generated although there may be an older one.
   */
  store(key: string | undefined, response: CompletedResponse, isLimitFine: boolean, isNew = false): void {
    if (key === undefined || !this.isEnabled || !isCacheable(response, isLimitFine)) return;
    const cached = this.#cache.set(key, response);
    const encode = () => encodeResponse(cached.toResponse());
    const isLarge = cached.bytes > MAX_VALUE_BYTES;
    // A large one is not shared, but removes what it replaces.
    if (isNew || !isLarge)
      this.#shared?.write(sharedKey(key), cached.createdAt, encode, isNew ? { replaces: key } : {});
    if (isLarge) return;
    this.#persistent?.store('response', key, cached.createdAt, encode);
  }

  /** Stores a response that another server has stored for all. */
  keep(key: string | undefined, response: CompletedResponse, isLimitFine: boolean): void {
    if (key !== undefined && this.isEnabled && isCacheable(response, isLimitFine)) this.#cache.set(key, response);
  }

  /** Whether memory has a response that is not older than the submitter accepts. */
  has(key: string, { cacheControl }: Submitter): boolean {
    const maxAgeMs = cacheControl?.maxAgeMs;
    return this.#cache.has(key) && (maxAgeMs === undefined || !this.#cache.isOlder(key, maxAgeMs));
  }

  stats(): CacheStats {
    const persisted = this.#persistent?.isOn === true ? { persisted: this.#persistent.stats('response') } : undefined;
    return { ...this.#cache.stats(), ...persisted };
  }

  /** Another server has generated this response again. */
  drop(key: string): void {
    this.#cache.delete(key);
  }

  /** Another server has cleared the responses. */
  forget(): void {
    this.#cache.clear();
    this.#persistent?.forget();
  }

  /**
   * Clears all levels at once. Returns how many entries were removed, and a promise that rejects
   * if another level may have them again: the database after a restart, Redis when it is back.
   */
  clear(): { entries: number; saved: Promise<void> } {
    const persisted = this.#persistent?.stats('response').entries ?? 0;
    const saved = Promise.all([this.#persistent?.clear(), this.#shared?.clear()]).then(() => undefined);
    return { entries: Math.max(this.#cache.clear(), persisted), saved };
  }
}

/** Servers of two versions share no responses that one of them would misread. */
function sharedKey(key: string): string {
  return `${CACHE_FORMAT} ${key}`;
}

/** Any other response at its token limit is incomplete, and an empty one is of no use. */
function isCacheable({ done_reason, content, tool_calls }: CompletedResponse, isLimitFine: boolean): boolean {
  const isWhole = done_reason === 'stop' || done_reason === 'tool_calls' || (isLimitFine && done_reason === 'length');
  return isWhole && (content !== '' || tool_calls.length > 0);
}
