import type { CacheControl, CachePolicy, CacheReaders } from '#lib/chat/cache/cache-policy';
import type { IdempotencyDigests } from '#lib/chat/generation/idempotency-keys';
import type { Principal } from '#lib/http/principal';
import type { Allowance } from '#lib/http/request-limits';
import type { ModelProvider } from '#lib/models/provider';
import type { CacheMode } from '#lib/wire/chat';

/** The caller of a request, and its wishes about delivery. */
export interface Submitter {
  caller: string;
  /** Whose usage it is. Undefined for work that no caller asked for. */
  principal?: Principal | undefined;
  /** The id for the request, unless another one has it. */
  id?: string | undefined;
  /** The id was chosen by the client, and may be in use. */
  isIdGiven?: boolean;
  /** Whose rule for the cache holds; `pages` if absent. */
  readsCache?: CacheReaders | undefined;
  /** The cache policy of the request's headers, for a body that names none. */
  cacheMode?: CacheMode | undefined;
  cacheControl?: CacheControl | undefined;
  /** Whether unsupported fields are dropped, of the request's headers. */
  dropParams?: boolean | undefined;
  idempotencyKey?: string | undefined;
  /** The digests of `idempotencyKey`, once it is looked up. */
  idempotency?: IdempotencyDigests | undefined;
  /** What an API needs to write the response after a restart; see `RestoredApi`. */
  saveApi?: (() => { readonly name: string; readonly data: Uint8Array }) | undefined;
  /** The limits of the caller; undefined without limits. */
  allowance?: Allowance | undefined;
  /** Counts a request that is not from the cache for the rate limit. Rejects above the limit. */
  confirmCount?: (() => Promise<void>) | undefined;
  /** It was accepted before, by a server that has ended: no limit refuses it again. */
  isAccepted?: boolean;
  /** Size of the request's body, if known. */
  bodyBytes?: number | undefined;
  /** Called if the response may be cached, and the request stands alone. Must not throw. */
  onKey?: (keyed: KeyedRequest) => void;
}

/** A request without its messages, which has the same bytes as one that came before. */
export interface KeyedRequest {
  readonly requestedModel: string | undefined;
  /** What `requestedModel` stood for. */
  readonly provider: ModelProvider;
  readonly model: string;
  /** Of the cache. Holds for this provider and model only. */
  readonly key: string;
  /** The cache policy that the body names. */
  readonly cacheMode: CacheMode | undefined;
  /** The policy without headers of the request. */
  readonly policy: CachePolicy;
  readonly isDeterministic: boolean;
  /** Whether some model was for some people only. A change forgets what is known of bodies. */
  readonly hasAccessRules: boolean;
  readonly ignoredFields: readonly string[];
  readonly droppedFields: readonly string[];
}
