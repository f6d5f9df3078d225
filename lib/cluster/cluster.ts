import type { InstanceFigures, OtherFigures, OwnFigures } from '#lib/cluster/figures';
import { singleton } from '#lib/singletons';
import type { CancelledBy } from '#lib/wire/chat-queue';
import type { ReadinessPart } from '#lib/wire/health';
import type { ServerStats } from '#lib/wire/server-stats';

/**
 * What several servers of one installation share over Redis, as the rest of the app sees it. This
 * module loads nothing: `lib/server/join-cluster.ts` installs a cluster where `REDIS_URL` is set,
 * and without one every part keeps its state in its own process.
 */
export interface Cluster {
  /** The name of this server among the others, made at its start. */
  readonly instanceId: string;
  readonly responses: SharedValues;
  readonly conversations: SharedValues;
  /** Of /v1/responses. They are never cleared. */
  readonly storedResponses: SharedValues;
  readonly idempotency: SharedIdempotency;
  /** Shared limits of requests a minute, by scope and limit. */
  rateLimiter(scope: string, perMinute: number): SharedRateLimiter;
  /** Windows of a minute and open requests of people. */
  readonly tallies: SharedTallies;
  /** What each server has counted and measured. */
  readonly figures: SharedFigures;
  /** Reports a change to the other servers, once Redis is there. Never throws. */
  share(change: SharedChange): void;
  /** The part `redis` of /api/ready. */
  readiness(): ReadinessPart;
  /** For gauges: 1 for each connection that is up. */
  readonly connections: Readonly<Record<string, boolean>>;
  /** How many servers there are, this one included, as last seen. */
  readonly instanceCount: number;
}

/**
 * A change that other servers have to apply. Small, and without text of callers. What it is about
 * is in Redis or in the database: a change only says where to look.
 */
export type SharedChange =
  /** A session of `API_KEYS` was signed out; see `Revocation`. */
  | {
      readonly kind: 'sign-out';
      readonly keyId: string;
      readonly id: string;
      readonly endedAt: number;
      readonly expiry: number;
    }
  /** People, keys or groups have to be read again; sessions by the SHA-256 of their token. */
  | { readonly kind: 'identity'; readonly of: 'person' | 'key' | 'group' | 'session'; readonly id: string }
  /** Callers are locked out: their work ends. */
  | { readonly kind: 'lock-out'; readonly callers: readonly string[] }
  /** Settings, models or the banner were changed in the database. */
  | { readonly kind: 'settings' }
  /** Limits of people were changed in the database. */
  | { readonly kind: 'limits' }
  | { readonly kind: 'clear'; readonly values: SharedValueKind; readonly generation: number }
  /** A request was cancelled. */
  | { readonly kind: 'cancel'; readonly run: string; readonly ticket: string; readonly by: CancelledBy }
  /** A response was generated again: copies of the old one are dropped. */
  | { readonly kind: 'drop'; readonly key: string }
  /** A model server lists other models than before, or has others loaded. */
  | { readonly kind: 'models'; readonly server: string }
  /** A server does not reach a model server: others look whether they do. */
  | { readonly kind: 'unreached'; readonly server: string }
  /** A stored response was deleted. */
  | { readonly kind: 'delete-response'; readonly caller: string; readonly id: string };

export type SharedValueKind = 'responses' | 'conversations' | 'storedResponses';

export interface SharedValue {
  /** Milliseconds since the epoch, by the clock of this machine. */
  readonly createdAt: number;
  readonly bytes: Uint8Array;
}

export interface SharedWrite {
  /** The name by which other servers drop their copies of an older value, after it is written. */
  readonly replaces?: string | undefined;
  /** Another server may have written a value that is newer, which stays then. */
  readonly unlessNewer?: boolean;
}

/** Values with a time to live that all servers read and write. Nothing of it ever rejects. */
export interface SharedValues {
  /** Whether `read` may find a value: Redis responds, and a clear that was asked for is done. */
  readonly isUsable: boolean;
  read(key: string): Promise<SharedValue | undefined>;
  /**
   * Stores a value a moment later, for the rest of its time to live after `createdAt`. What a reply
   * may name waits for Redis: `encode` is called again then, and returns undefined for a value that
   * is not wanted any more.
   */
  write(key: string, createdAt: number, encode: () => Uint8Array | undefined, options?: SharedWrite): void;
  /**
   * For a reply that names a key: undefined if what was written or removed under it is in Redis.
   * Otherwise resolves with whether that is so, after half a second at most, and with false at once
   * while Redis is away: it is written once Redis is back.
   */
  settled(key: string): Promise<boolean> | undefined;
  remove(key: string): void;
  /** Keeps a value for its whole time to live from now on, if there is one. */
  renew(key: string): void;
  /** Resolves when no server finds the values any more; rejects if Redis is away: done later. */
  clear(): Promise<void>;
  /** Another server has cleared the values. */
  adoptGeneration(generation: number): void;
}

/** What is shared of a request with an `Idempotency-Key`. */
export interface IdempotentRequest {
  readonly fingerprint: string;
  /** The server that works on it. */
  readonly instance: string;
  /** Of the request; empty until it is accepted. */
  readonly id: string;
  /** The response, once it is complete. */
  readonly response?: Uint8Array | undefined;
  /** Its server has ended, or has it no more. The request may go on at another one. */
  readonly isLost?: boolean;
}

export interface SharedIdempotency {
  /**
   * Reserves a key for this server. Returns the request that has it already; undefined if it is
   * ours now, or if Redis is away. A server that has ended keeps no key without a request.
   */
  claim(name: string, fingerprint: string): Promise<IdempotentRequest | undefined>;
  /**
   * Takes a key from a server that has ended together with its request. Resolves with false if
   * another server has done so, or Redis is away. Never rejects.
   */
  takeOver(name: string, fingerprint: string, lost: IdempotentRequest): Promise<boolean>;
  /** The request was accepted under `id`. */
  accept(name: string, fingerprint: string, id: string): void;
  /** Its response is complete. */
  complete(name: string, fingerprint: string, id: string, response: Uint8Array): void;
  /** It was not accepted, or failed: the key is free again. */
  release(name: string): void;
  /** For a reply to a request with this key, as `SharedValues.settled`. */
  settled(name: string): Promise<boolean> | undefined;
}

/** A refusal, or what is left. */
export interface RateLimitCount {
  readonly isAllowed: boolean;
  readonly msBeforeNext: number;
}

export interface SharedRateLimiter {
  /** Counts one request of `caller` before it goes on. Never rejects. */
  consume(caller: string): Promise<RateLimitCount>;
  /**
   * Counts a request whose response may be cached: it is added to Redis with others within 100 ms.
   * `confirm` counts it at once and returns the verdict. A caller that is known to be over its
   * limit is refused right away, and not counted.
   */
  defer(caller: string): DeferredCount;
  /** Takes back one request. */
  refund(caller: string): Promise<void>;
}

export interface DeferredCount extends RateLimitCount {
  confirm(): Promise<RateLimitCount>;
}

/** Counts of people that all servers add to. */
export interface SharedTallies {
  /** Brings the counts of a key up to date. Undefined if they are; never rejects. */
  load(key: string): Promise<void> | undefined;
  /** Requests in the current window of `key` over all servers, and when it ends. */
  windowOf(key: string): { readonly count: number; readonly leftMs: number };
  addToWindow(key: string, count: number): void;
  /** Open requests of a subject over all servers. */
  openOf(subject: string): number;
  addOpen(subject: string, count: number): void;
}

/** Figures of all servers. Those of the others are at most some seconds old. */
export interface SharedFigures {
  /** Publishes what `source` returns each second from now on, until the server stops. */
  publish(source: () => Promise<OwnFigures>): void;
  /** The statistics of all servers; while Redis is away those of this one. Never rejects. */
  merge(own: OwnFigures): Promise<ServerStats>;
  /** Reads the figures of the others, at most once a second. Never rejects. */
  refresh(): Promise<OtherFigures | undefined>;
  /** This server first, then the others as last read. Alone while Redis is away. */
  latest(own: Omit<OwnFigures, 'stats'>): readonly [InstanceFigures, ...InstanceFigures[]];
}

/** The cluster that this server is in; undefined if it is alone. */
export function cluster(): Cluster | undefined {
  return holder().current;
}

export function installCluster(current: Cluster | undefined): void {
  holder().current = current;
}

/** Reports a change to the other servers. Does nothing in a server that is alone. */
export function shareChange(change: SharedChange): void {
  holder().current?.share(change);
}

interface Holder {
  current: Cluster | undefined;
}

const emptyHolder = (): Holder => ({ current: undefined });

function holder(): Holder {
  return singleton('cluster', emptyHolder);
}
