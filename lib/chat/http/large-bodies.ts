import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { MAX_BODY_BYTES, type ParsedBodyCache } from '#lib/chat/cache/parsed-body-cache';
import { chatEngine } from '#lib/chat/engine-singleton';
import { estimateValueBytes } from '#lib/chat/generation/packed-request';
import { cachedReply, type KnownRequest } from '#lib/chat/http/api-adapter';
import { logRejection, submitterOf } from '#lib/chat/http/submitter';
import { parseOnce } from '#lib/http/body';
import { recycleBody } from '#lib/http/body-budget';
import type { HttpRequest } from '#lib/http/http-request';
import type { Reply } from '#lib/http/reply';
import type { RequestContext } from '#lib/http/route';
import { singleton } from '#lib/singletons';
import { MIB } from '#lib/units';

/** Fits thousands of requests, whose texts are not part of it. */
const MAX_KNOWN_BYTES = 2 * MIB;
/** Memory of an entry without its strings, as measured on V8. */
const ENTRY_BYTES = 400;

/** Requests by the SHA-256 of their body: the same digest means the same bytes. */
type KnownBodies = LRUCache<string, KnownRequest>;

export interface BodyHandling<T extends object> {
  /** Of the API: the same bytes mean another request to another one. */
  readonly api: string;
  readonly parsed: () => ParsedBodyCache<T>;
  readonly parse: (bytes: Uint8Array) => T;
  /** `remember` is called if the response of the request may be cached. */
  readonly respond: (
    body: T,
    request: HttpRequest,
    context: RequestContext,
    remember?: (known: KnownRequest) => void,
  ) => Promise<Reply>;
}

/**
 * Replies to a body. A small one that is repeated is not parsed again, and a large one only if its
 * response is not cached. Not async: an async function would retain the bytes for as long as the
 * request waits.
 */
export function replyToBody<T extends object>(
  handling: BodyHandling<T>,
  bytes: Uint8Array,
  request: HttpRequest,
  context: RequestContext,
): Promise<Reply> {
  const { api, parsed, parse, respond } = handling;
  if (bytes.byteLength <= MAX_BODY_BYTES) return respond(parsed().get(bytes, parse), request, context);
  const digest = hash('sha256', bytes, 'base64url');
  const known = knownBodies(api).get(digest);
  const remember = rememberer(api, digest);
  if (known === undefined) return respond(parseOnce(bytes, parse), request, context, remember);
  return replyFromCache(known, bytes.byteLength, request, context).then((reply) => {
    if (reply === undefined) return respond(parseOnce(bytes, parse), request, context, remember);
    recycleBody(bytes);
    return reply;
  });
}

/** Resolves to undefined if the response is not cached any more. */
function replyFromCache(
  { adapter, stream, unknownFields, keyed }: KnownRequest,
  bodyBytes: number,
  request: HttpRequest,
  context: RequestContext,
): Promise<Reply | undefined> {
  return chatEngine()
    .submitKeyed(keyed, submitterOf(request, context, bodyBytes))
    .then(
      (pending) => pending && cachedReply(adapter, pending, stream, unknownFields),
      logRejection(context, keyed.requestedModel),
    );
}

/** A separate function: its closure must not retain the body. */
function rememberer(api: string, digest: string): (known: KnownRequest) => void {
  return (known) => void knownBodies(api).set(digest, known);
}

function knownBodies(api: string): KnownBodies {
  return singleton(
    `chat.known-bodies.${api}`,
    () =>
      new LRUCache<string, KnownRequest>({
        maxSize: MAX_KNOWN_BYTES,
        sizeCalculation: ({ unknownFields, keyed }) =>
          ENTRY_BYTES +
          estimateValueBytes(unknownFields) +
          estimateValueBytes(keyed.ignoredFields) +
          (keyed.requestedModel?.length ?? 0),
      }),
  );
}
