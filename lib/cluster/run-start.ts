import type { Clock } from '#lib/clock';
import { cancelledEnd, WORKER_LOST } from '#lib/cluster/lost-runs';
import type { Mirrors } from '#lib/cluster/mirrors';
import { decodeModelRequest, isFinal, type StoredRun } from '#lib/cluster/run-format';
import { isUnwanted } from '#lib/cluster/run-leases';
import type { RunStore } from '#lib/cluster/runs';
import type { ClusterLink, LocalLane, TakenRun } from '#lib/cluster/shared-types';
import type { ModelRequest } from '#lib/models/provider';
import { SECOND_MS } from '#lib/units';

/** An owner that was there within this time is at work still, also if its job was given away. */
const OWNER_MS = 3.5 * SECOND_MS;
/** A run that is lost so often is at fault itself. */
const MAX_STALLS = 2;
/** Of a run that came within this time, this instance knows all. The janitor waits for longer. */
const NEW_MS = 5 * SECOND_MS;

/** A run that a worker of this instance is to begin. */
export interface RunToBegin {
  readonly lane: LocalLane;
  /** Attempts so far. */
  readonly attempts: number;
  readonly model: string;
  /** Undefined for one that was submitted here a moment ago. */
  readonly stored: StoredRun | undefined;
  /** Undefined if this instance has it. */
  readonly request: ModelRequest | undefined;
}

export interface RunStartOptions {
  readonly link: Pick<ClusterLink, 'instanceId' | 'instanceIds' | 'connection'>;
  readonly store: Pick<RunStore, 'readTaken' | 'readRequest' | 'untouchedFor' | 'end' | 'finalize'>;
  readonly mirrors: Pick<Mirrors, 'get' | 'supersede'>;
  readonly clock: Clock;
  readonly laneOf: (id: string) => LocalLane | undefined;
  /** Whether this instance works on a run. */
  readonly isOwned: (run: string) => boolean;
  /** Whether all who want a run could say so. */
  readonly areLeasesKnown: () => boolean;
}

/** Decides whether a run that a worker has taken is begun, and ends it otherwise. */
export class RunStart {
  readonly #options: RunStartOptions;

  constructor(options: RunStartOptions) {
    this.#options = options;
  }

  /**
   * What is needed to begin a run; `ended` if it is not begun, and undefined if it is to be tried
   * again in a while: another instance may work on it. Rejects if Redis does.
   */
  async prepare(taken: TakenRun): Promise<RunToBegin | 'ended' | undefined> {
    return this.#newRun(taken) ?? (await this.#readRun(taken));
  }

  /** A run that was submitted here a moment ago: no other instance has done anything with it. */
  #newRun({ run, lane: laneId, stalled, isFirst }: TakenRun): RunToBegin | undefined {
    const { mirrors, link, clock, laneOf } = this.#options;
    const mirror = mirrors.get(run);
    if (mirror === undefined || !isFirst || stalled > 0 || !link.connection.isUsable) return undefined;
    const { generation, isOwned, isAlone, epoch } = mirror;
    const { state, isMirror, log, createdAt, packedRequest, model } = generation;
    const lane = laneOf(laneId);
    const isKnown = !isMirror && !isOwned && !isAlone && packedRequest !== undefined;
    const isNew = state === 'queued' && log.lastNumber === 0 && clock.now() - createdAt < NEW_MS;
    if (!isKnown || !isNew || lane === undefined || epoch !== link.connection.epoch) return undefined;
    return { lane, attempts: 0, model, stored: undefined, request: undefined };
  }

  async #readRun({ run, lane: laneId, stalled }: TakenRun): Promise<RunToBegin | 'ended' | undefined> {
    const { store, mirrors, laneOf, areLeasesKnown } = this.#options;
    const isHere = () => mirrors.get(run)?.generation.packedRequest !== undefined;
    const { stored, last, request: read, ...wishes } = await store.readTaken(run, !isHere());
    if (stored === undefined) return 'ended';
    const final = last?.events.at(-1);
    if (isFinal(final)) {
      if (stored.finishedAt === undefined) await store.finalize(run, final);
      return 'ended';
    }
    if (stored.attempt > 0 && (await this.#isAtWork(run, stored))) return undefined;
    const { cancelledBy, attempt: attempts, model } = stored;
    if (isUnwanted({ ...wishes, cancelledBy }) && areLeasesKnown()) {
      await store.end(run, cancelledEnd(cancelledBy));
      return 'ended';
    }
    const hasText = (last?.id.number ?? 0) > 0;
    const lane = laneOf(laneId);
    if (hasText || stalled >= MAX_STALLS || lane === undefined) {
      await store.end(run, WORKER_LOST);
      return 'ended';
    }
    // What was read here of an attempt that Redis has lost is not continued by this one.
    const known = mirrors.get(run)?.generation;
    if (known !== undefined && known.log.lastNumber > 0) mirrors.supersede(known);
    const body = read !== undefined || isHere() ? read : await store.readRequest(run);
    if (body === null) {
      await store.end(run, WORKER_LOST);
      return 'ended';
    }
    return { lane, attempts, model, stored, request: body && decodeModelRequest(body) };
  }

  /**
   * Whether another instance, or this one, works on a run whose job was given away: Redis was away,
   * or its event loop was blocked for longer than the lock of the job.
   */
  async #isAtWork(run: string, { owner }: StoredRun): Promise<boolean> {
    const { store, link, isOwned } = this.#options;
    if (owner === link.instanceId) return isOwned(run);
    const untouchedMs = await store.untouchedFor(run);
    return untouchedMs !== undefined && untouchedMs < OWNER_MS && link.instanceIds().includes(owner);
  }
}
