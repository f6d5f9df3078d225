import { singleton } from '#lib/singletons';
import { HOUR_MS, SECOND_MS } from '#lib/units';

/**
 * Revocation list of sessions. Each entry stays until its session would have expired, so later
 * ones cannot push it out.
 *
 * Memory is bounded per key. Beyond the bound, the list of a key is replaced by one moment, and
 * every session of this key that was issued before it counts as revoked.
 */
export class RevokedSessions {
  readonly #maxPerKey: number;
  readonly #byKey = new Map<string, { expiries: Map<string, number>; validFromSeconds: number }>();
  #nextSweepSeconds = 0;

  constructor(maxPerKey: number = MAX_REVOKED_PER_KEY) {
    this.#maxPerKey = maxPerKey;
  }

  /** All times are Unix seconds. */
  add(session: { keyId: string; id: string; issuedAt: number; expiry: number }, nowSeconds: number): void {
    this.#sweep(nowSeconds);
    let ofKey = this.#byKey.get(session.keyId);
    if (ofKey === undefined) {
      ofKey = { expiries: new Map(), validFromSeconds: 0 };
      this.#byKey.set(session.keyId, ofKey);
    }
    ofKey.expiries.set(session.id, session.expiry);
    if (ofKey.expiries.size <= this.#maxPerKey) return;
    ofKey.expiries.clear();
    ofKey.validFromSeconds = nowSeconds + 1;
  }

  has({ keyId, id, issuedAt }: { keyId: string; id: string; issuedAt: number }): boolean {
    const ofKey = this.#byKey.get(keyId);
    return ofKey !== undefined && (issuedAt < ofKey.validFromSeconds || ofKey.expiries.has(id));
  }

  #sweep(nowSeconds: number): void {
    if (nowSeconds < this.#nextSweepSeconds) return;
    this.#nextSweepSeconds = nowSeconds + SWEEP_SECONDS;
    for (const { expiries } of this.#byKey.values())
      for (const [id, expiry] of expiries) if (expiry <= nowSeconds) expiries.delete(id);
  }
}

/** About 25 MB for one key. */
const MAX_REVOKED_PER_KEY = 250_000;
const SWEEP_SECONDS = HOUR_MS / SECOND_MS;

export function revokedSessions(): RevokedSessions {
  return singleton('http.revoked-sessions', () => new RevokedSessions());
}
