import { singleton } from '#lib/singletons';

/**
 * The sessions that were signed out before they expired. Each is kept until it would have expired,
 * so that no number of later ones pushes it out.
 *
 * Memory is bounded for each key: beyond `MAX_ENDED_OF_KEY` its list is replaced by a moment before
 * which none of its sessions is valid. That signs out the other sessions of this key, and of no
 * other.
 */
export class RevokedSessions {
  readonly #maxOfKey: number;
  readonly #byKey = new Map<string, { expiries: Map<string, number>; validFromSeconds: number }>();
  #nextSweepSeconds = 0;

  constructor(maxOfKey: number = MAX_ENDED_OF_KEY) {
    this.#maxOfKey = maxOfKey;
  }

  /** All times are Unix seconds. `issuedAt` is when the session was made. */
  add(session: { keyId: string; id: string; issuedAt: number; expiry: number }, nowSeconds: number): void {
    this.#sweep(nowSeconds);
    let ofKey = this.#byKey.get(session.keyId);
    if (ofKey === undefined) {
      ofKey = { expiries: new Map(), validFromSeconds: 0 };
      this.#byKey.set(session.keyId, ofKey);
    }
    ofKey.expiries.set(session.id, session.expiry);
    if (ofKey.expiries.size <= this.#maxOfKey) return;
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

/** About 25 MB for a key that signs out that often within the life of a session. */
const MAX_ENDED_OF_KEY = 250_000;
const SWEEP_SECONDS = 3_600;

export function revokedSessions(): RevokedSessions {
  return singleton('http.ended-sessions', () => new RevokedSessions());
}
