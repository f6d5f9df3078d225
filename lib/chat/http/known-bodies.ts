import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { chatEngine } from '#lib/chat/engine-singleton';
import { estimateValueBytes } from '#lib/chat/generation/packed-request';
import { cachedReply, dropsFields, type KnownRequest, submitterFor } from '#lib/chat/http/api-adapter';
import { requestDefaultsVersion } from '#lib/config/runtime-settings';
import { parseOnce } from '#lib/http/body';
import { recycleBody } from '#lib/http/body-budget';
import type { HttpRequest } from '#lib/http/http-request';
import type { Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { singleton } from '#lib/singletons';
import { MIB } from '#lib/units';

/** Fits more than ten thousand requests, whose texts are not part of it. */
const MAX_KNOWN_BYTES = 8 * MIB;
/** A longer body is known by its digest, which takes longer to make. */
const MAX_TEXT_BYTES = 512;
/** Memory of an entry without names of fields and models, as measured on V8. */
const ENTRY_BYTES = 400;

export interface BodyHandling<T> {
  /** Of the API: the same bytes mean another request to another one. */
  readonly api: string;
  readonly parse: (bytes: Uint8Array) => T;
  /** Calls `remember` if the response of the request may be cached. */
  readonly respond: (
    body: T,
    request: HttpRequest,
    context: RequestContext,
    remember: (known: KnownRequest) => void,
  ) => Promise<Reply>;
}

/**
 * Replies to a body. One that is repeated is parsed and validated again only if its response is not
 * cached. Not async: an async function would retain the bytes for as long as the request waits.
 */
export function replyToBody<T>(
  { api, parse, respond }: BodyHandling<T>,
  bytes: Uint8Array,
  request: HttpRequest,
  context: RequestContext,
): Reply | Promise<Reply> {
  const name = nameOf(api, bytes);
  // A key's end users are counted and have their own scope in the cache: the body names one.
  const known = context.principal.trustsEndUser === true ? undefined : knownRequests().get(name);
  const reply = known && replyFromCache(known, bytes.byteLength, request, context);
  if (reply === undefined) return respond(parseOnce(bytes, parse), request, context, rememberAs(name));
  recycleBody(bytes);
  return reply;
}

/** The same name means the same bytes: it has one character for each byte, or their digest. */
function nameOf(format: string, bytes: Uint8Array): string {
  const version = requestDefaultsVersion();
  // Another default model or system prompt makes another request of the same bytes.
  const api = version === 0 ? format : `${format} ${version}`;
  if (bytes.byteLength > MAX_TEXT_BYTES) return `${api} digest ${hash('sha256', bytes, 'base64url')}`;
  return `${api} text ${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')}`;
}

/** Undefined if the response is not cached any more, or not for this request. */
function replyFromCache(
  known: KnownRequest,
  bodyBytes: number,
  request: HttpRequest,
  context: RequestContext,
): Reply | Promise<Reply> | undefined {
  const { adapter, stream, droppedFields, dropParams, keyed } = known;
  const submitter = submitterFor(adapter, request, context, bodyBytes);
  const hasDropped = droppedFields.length + keyed.droppedFields.length > 0;
  // Without the header that the first request had, this one is to be refused.
  if (hasDropped && !dropsFields(dropParams, submitter, context)) return undefined;
  const pending = chatEngine().submitKeyed(keyed, submitter);
  return pending && cachedReply(adapter, pending, stream, known);
}

/** A separate function: its closure must not retain the body. */
function rememberAs(name: string): (known: KnownRequest) => void {
  return (known) => void knownRequests().set(name, known);
}

/** Requests by `nameOf` their body. */
function knownRequests(): LRUCache<string, KnownRequest> {
  return singleton(
    'chat.known-requests',
    () =>
      new LRUCache<string, KnownRequest>({
        maxSize: MAX_KNOWN_BYTES,
        sizeCalculation: ({ adapter, unknownFields, droppedFields, keyed }, name) =>
          ENTRY_BYTES +
          (adapter.bytes ?? 0) +
          name.length +
          estimateValueBytes(unknownFields) +
          estimateValueBytes(keyed.ignoredFields) +
          estimateValueBytes(droppedFields) +
          estimateValueBytes(keyed.droppedFields) +
          keyed.model.length +
          (keyed.requestedModel?.length ?? 0),
      }),
  );
}
