/** Which event of a run explains what a client or a model server saw. Pure functions. */
import type { EventKind } from './schedule.ts';

/** An event as it came about. Times are those of `performance.now()`. */
export interface Incident {
  readonly kind: EventKind;
  readonly startMs: number;
  /** When all was there again; infinite while it is not. */
  readonly endMs: number;
  /** The model server that was restarted. */
  readonly server?: number;
}

/** Something that a request of a client met: a refusal, a lost connection, an error. */
export interface Refusal {
  /** Of the server, or of the client: `connection_lost`, `no_response`. */
  readonly code: string;
  /** When the attempt began, and when it failed. */
  readonly fromMs: number;
  readonly atMs: number;
}

export const CONNECTION_LOST = 'connection_lost';
export const NO_RESPONSE = 'no_response';

export const UNEXPLAINED = 'unexplained';
export type Cause = EventKind | typeof UNEXPLAINED;

/** A lost lock is found within 10 s, and its run moves with the second look, 3 s later. */
const LOST_RUN_MS = 20_000;
/** Servers believe leases again 10 s after Redis is back, and take runs within 5 s. */
const REDIS_BACK_MS = 20_000;
/** A balancer has noticed, and what was on its way has arrived. */
const NOTICED_MS = 2_000;
/** A circuit breaker has closed again. */
const MODEL_BACK_MS = 5_000;

type Causes = Partial<Record<EventKind, number>>;

const REDIS_AWAY: Causes = { 'Redis restarted': REDIS_BACK_MS, 'cut off from Redis': REDIS_BACK_MS };
const MODEL_AWAY: Causes = { 'model server restarted': MODEL_BACK_MS };

/**
 * What may lead to a code by the contract, and for how long after its end. A code that is absent is
 * never due to an event: such as a connection that a deploy has cut, or an `internal_error`.
 */
const CAUSES: Readonly<Record<string, Causes>> = {
  [CONNECTION_LOST]: { 'instance killed': NOTICED_MS },
  worker_lost: { 'instance killed': LOST_RUN_MS, ...REDIS_AWAY },
  shutting_down: { 'rolling deploy': NOTICED_MS, ...REDIS_AWAY },
  // With the reason `elsewhere`: Redis cannot be asked, or a key is just being accepted.
  queue_full: { ...REDIS_AWAY, 'instance killed': LOST_RUN_MS, 'rolling deploy': NOTICED_MS },
  not_found: REDIS_AWAY,
  provider_unavailable: MODEL_AWAY,
  upstream_failed: MODEL_AWAY,
  upstream_truncated: MODEL_AWAY,
  upstream_timeout: MODEL_AWAY,
};

/** The event to which a refusal is due: of several, the one that began last. */
export function causeOfRefusal({ code, fromMs, atMs }: Refusal, incidents: readonly Incident[]): Cause {
  const causes = CAUSES[code] ?? {};
  const found = incidents.findLast(({ kind, startMs, endMs }) => {
    const afterMs = causes[kind];
    return afterMs !== undefined && startMs <= atMs && fromMs <= endMs + afterMs;
  });
  return found?.kind ?? UNEXPLAINED;
}

/** A call that a model server got. */
export interface Call {
  readonly server: number;
  readonly startedMs: number;
  /** Undefined while it is served. */
  readonly endedMs: number | undefined;
  /** Whether the response was sent to its end. */
  readonly isWhole: boolean;
}

export const SENT_AGAIN = 'sent again by its client';
export type ExtraCallCause = Cause | typeof SENT_AGAIN;

/** Between the end of a process and the end of its connections. */
const CLOSED_WITHIN_MS = 1_000;

/**
 * Why a question was asked once more. Events that end calls explain those that ended with them;
 * Redis, those that it could have kept from each other, as their clients have `asked` while it was
 * away. `resentMs` is when its client has sent it again.
 */
export function causeOfExtraCall(
  previous: Call,
  extra: Call,
  resentMs: readonly number[],
  incidents: readonly Incident[],
  askedMs = previous.startedMs,
): ExtraCallCause {
  const endedMs = previous.endedMs ?? Number.POSITIVE_INFINITY;
  const explains = ({ kind, startMs, endMs, server }: Incident): boolean => {
    switch (kind) {
      case 'model server restarted':
        return (
          server === previous.server && !previous.isWhole && isWithin(endedMs, startMs, startMs + CLOSED_WITHIN_MS)
        );
      case 'instance killed':
        // A response that was written, and not yet stored, is lost with its server, too.
        return isWithin(endedMs, startMs - CLOSED_WITHIN_MS, startMs + CLOSED_WITHIN_MS);
      case 'rolling deploy':
        // What has no text is given back.
        return !previous.isWhole && isWithin(endedMs, startMs, endMs + CLOSED_WITHIN_MS);
      case 'Redis restarted':
      case 'cut off from Redis':
        return (
          Math.min(askedMs, previous.startedMs) <= endMs && isWithin(extra.startedMs, startMs, endMs + REDIS_BACK_MS)
        );
    }
  };
  const found = incidents.filter(explains);
  // One that has ended the call itself says more than one that made it possible.
  const [first] = [...found.filter(({ kind }) => REDIS_AWAY[kind] === undefined), ...found];
  if (first !== undefined) return first.kind;
  const isResent = resentMs.some((atMs) => isWithin(atMs, previous.startedMs, extra.startedMs));
  return isResent ? SENT_AGAIN : UNEXPLAINED;
}

/** Why what only Redis can hold did not hold between two times: one key, or one cancel. */
export function causeOfBreach(fromMs: number, toMs: number, incidents: readonly Incident[]): Cause {
  const found = incidents.find(
    ({ kind, startMs, endMs }) => REDIS_AWAY[kind] !== undefined && startMs <= toMs && fromMs <= endMs + REDIS_BACK_MS,
  );
  return found?.kind ?? UNEXPLAINED;
}

function isWithin(ms: number, fromMs: number, toMs: number): boolean {
  return ms >= fromMs && ms <= toMs;
}
