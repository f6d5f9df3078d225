import { singleton } from '#lib/singletons';
import { HOUR_MS, SECOND_MS } from '#lib/units';

/** A session that was signed out. All times are Unix seconds. */
export interface EndedSession {
  keyId: string;
  id: string;
  issuedAt: number;
  expiry: number;
}

/** What is kept over a restart: a session, or with an empty id all that were issued before. */
export interface Revocation {
  keyId: string;
  id: string;
  /** Unix seconds. For an empty id, sessions that were issued earlier are revoked. */
  endedAt: number;
  /** Unix seconds, from when on no revoked session is valid in any case. */
  expiry: number;
}

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

  /** Revokes a session, and returns what a restarted server has to know of it. */
  add({ keyId, id, issuedAt, expiry }: EndedSession, nowSeconds: number): Revocation {
    this.#sweep(nowSeconds);
    const ofKey = this.#ofKey(keyId);
    ofKey.expiries.set(id, expiry);
    if (ofKey.expiries.size <= this.#maxPerKey) return { keyId, id, endedAt: nowSeconds, expiry };
    ofKey.expiries.clear();
    ofKey.validFromSeconds = nowSeconds + 1;
    return { keyId, id: '', endedAt: nowSeconds + 1, expiry: nowSeconds + 1 + (expiry - issuedAt) };
  }

  /** Revokes what was revoked before this process began. */
  restore({ keyId, id, endedAt, expiry }: Revocation): void {
    const ofKey = this.#ofKey(keyId);
    if (id === '') ofKey.validFromSeconds = Math.max(ofKey.validFromSeconds, endedAt);
    else if (ofKey.expiries.size < this.#maxPerKey) ofKey.expiries.set(id, expiry);
    else ofKey.validFromSeconds = Math.max(ofKey.validFromSeconds, endedAt + 1);
  }

  has({ keyId, id, issuedAt }: Omit<EndedSession, 'expiry'>): boolean {
    const ofKey = this.#byKey.get(keyId);
    return ofKey !== undefined && (issuedAt < ofKey.validFromSeconds || ofKey.expiries.has(id));
  }

  #ofKey(keyId: string): { expiries: Map<string, number>; validFromSeconds: number } {
    let ofKey = this.#byKey.get(keyId);
    if (ofKey === undefined) {
      ofKey = { expiries: new Map(), validFromSeconds: 0 };
      this.#byKey.set(keyId, ofKey);
    }
    return ofKey;
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
