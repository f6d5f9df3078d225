import type { CachedResponse } from '#lib/chat/cache/response-cache';
import type { ReadableRequest } from '#lib/chat/generation/request-view';
import type { CacheHeader } from '#lib/wire/chat';

/** A request as the route sees it that submitted it. */
export interface AcceptedRequest extends ReadableRequest {
  readonly cacheStatus: CacheHeader;
  /** Fields of the request that have no effect on its provider, by their wire names. */
  readonly ignoredFields: readonly string[];
  /** Fields of the request that its provider refuses and that were left out. */
  readonly droppedFields: readonly string[];
  /** The response with its ready bodies; undefined if it is not cached. */
  readonly cachedResponse: CachedResponse | undefined;
  /** Undefined if the request lives in this process alone. */
  readonly saved: { readonly isOnDisk: boolean; readonly written: Promise<void> } | undefined;
  /** Called once, when it has ended. Must not throw. */
  onDone: ((request: AcceptedRequest) => void) | undefined;
}
