import { hash } from 'node:crypto';
import { PackedJson } from '#lib/chat/cache/packed-json';
import { singleton } from '#lib/singletons';

/** A copy of shorter ones costs less than to look for another. */
const MIN_SHARED_BYTES = 1_024;

interface Shared {
  readonly byDigest: Map<string, WeakRef<PackedJson<unknown>>>;
  readonly collected: FinalizationRegistry<string>;
}

/**
 * Packs a value; requests with equal values that are long share one copy for as long as one of them
 * holds it. Tens of thousands of requests may have joined one, each with tools of its whole body.
 * A value above `maxBytes` is not shared: its digest would take too long.
 */
export function packShared<T>(value: T, maxBytes = Number.POSITIVE_INFINITY): PackedJson<T> {
  const packed = new PackedJson(value);
  if (packed.bytes < MIN_SHARED_BYTES || packed.bytes > maxBytes) return packed;
  const { byDigest, collected } = shared();
  const digest = hash('sha256', packed.json, 'base64url');
  // The digest means the same JSON, and so a value of the same type.
  const existing = byDigest.get(digest)?.deref() as PackedJson<T> | undefined;
  if (existing !== undefined) return existing;
  byDigest.set(digest, new WeakRef(packed));
  collected.register(packed, digest);
  return packed;
}

function shared(): Shared {
  return singleton('chat.shared-parameters', () => {
    const byDigest: Shared['byDigest'] = new Map();
    const collected = new FinalizationRegistry<string>((digest) => {
      if (byDigest.get(digest)?.deref() === undefined) byDigest.delete(digest);
    });
    return { byDigest, collected };
  });
}
