import { LRUCache } from 'lru-cache';
import { shareChange } from '#lib/cluster/cluster';
import { AppError } from '#lib/errors';
import { forgetCallers } from '#lib/http/identity';
import { lockOuts } from '#lib/http/lock-outs';
import { isOwnedBy } from '#lib/http/principal';
import { singleton } from '#lib/singletons';

/**
 * Work in progress by caller: a stream, a run, an upload, an exchange of the gateway. It is ended
 * when its caller is locked out. Streams and exchanges also end with the session that they belong
 * to. Requests whose body is still to come: lib/http/lock-outs.ts.
 */
export interface OpenPiece {
  /** `Principal.session` of its caller. */
  readonly session?: string | undefined;
  /** Ends it. Must not throw. */
  endNow(): void;
}

/** Bound of the memory: about 200 bytes each. */
const MAX_ENDED_SESSIONS = 10_000;

class OpenWork {
  readonly #byCaller = new Map<string, Set<OpenPiece>>();
  /** For streams that begin after it, of requests that were authenticated before. */
  readonly #endedSessions = new LRUCache<string, true>({ max: MAX_ENDED_SESSIONS });
  readonly #listeners = new Map<string, (caller: string) => void>();

  add(caller: string, piece: OpenPiece): void {
    // Its session ended after it was authenticated. The caller of `add` is not done with it yet.
    if (piece.session !== undefined && this.#endedSessions.has(piece.session))
      setImmediate(() => this.#byCaller.get(caller)?.has(piece) && piece.endNow());
    const open = this.#byCaller.get(caller);
    if (open === undefined) this.#byCaller.set(caller, new Set([piece]));
    else open.add(piece);
  }

  /** Idempotent. */
  remove(caller: string, piece: OpenPiece): void {
    const open = this.#byCaller.get(caller);
    if (open?.delete(piece) === true && open.size === 0) this.#byCaller.delete(caller);
  }

  /** Calls `end` for each caller that is locked out. One with the same name is replaced. */
  onEnd(name: string, end: (caller: string) => void): void {
    this.#listeners.set(name, end);
  }

  /** Ends the streams of one session. What its caller has open in others, or by keys, goes on. */
  endSession(session: string): void {
    this.#endedSessions.set(session, true);
    for (const open of [...this.#byCaller.values()])
      for (const piece of [...open]) if (piece.session === session) piece.endNow();
  }

  /** Ends the work of a caller, and of its end users. */
  end(caller: string): void {
    lockOuts().add(caller);
    for (const end of this.#listeners.values()) end(caller);
    for (const [owner, open] of [...this.#byCaller])
      if (isOwnedBy(owner, caller)) for (const piece of [...open]) piece.endNow();
  }
}

/** The open work of this process. */
export function openWork(): OpenWork {
  return singleton('http.open-work', () => new OpenWork());
}

/** Ends what a caller has running or waiting: within a second all its streams are closed. */
export function endCaller(caller: string): void {
  openWork().end(caller);
}

/** Locks callers out, of every server. */
export function revoke(callers: readonly string[]): void {
  lockOut(callers);
  if (callers.length > 0) shareChange({ kind: 'lock-out', callers });
}

/** Locks callers out of this server: forgets what is remembered of them, and ends their work. */
export function lockOut(callers: readonly string[]): void {
  forgetCallers(callers);
  for (const caller of callers) endCaller(caller);
}

/** The error of work whose caller was locked out. */
export function lockedOut(): AppError {
  return new AppError('cancelled', 'The work was ended, because its caller may not use this server any more.');
}

/** Calls `work` with a signal that aborts as `signal` does, and when the caller is locked out. */
export async function withCallerSignal<T>(
  caller: string,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const ending = new AbortController();
  const piece: OpenPiece = { endNow: () => ending.abort(lockedOut()) };
  openWork().add(caller, piece);
  try {
    return await work(signal === undefined ? ending.signal : AbortSignal.any([signal, ending.signal]));
  } finally {
    openWork().remove(caller, piece);
  }
}
