import type { Generation } from '#lib/chat/generation/generation';
import type { InFlight } from '#lib/chat/generation/in-flight';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import type { AloneRun } from '#lib/cluster/alone-runs';
import type { Mirrors } from '#lib/cluster/mirrors';
import type { RunStore } from '#lib/cluster/runs';
import { MIB } from '#lib/units';

/** Of those that have ended, so many wait for Redis. */
const MAX_ENDED = 1_000;
/** The logs of all of them are at most this long. */
const MAX_ENDED_BYTES = 32 * MIB;
/** Runs that are written at a time: more commands would hold up others. */
const AT_ONCE = 50;

interface UnsharedRun {
  readonly generation: Generation;
  readonly lane: string;
  /** Those of this instance, also once they have ended. */
  readonly requests: Set<PendingRequest>;
  /** Its ids are free in Redis, and it is being written. */
  isBegun: boolean;
  isAdopted: boolean;
  isSharing: boolean;
}

export interface UnsharedRunsOptions {
  readonly store: Pick<RunStore, 'findLost' | 'isDiscarding' | 'addTicket' | 'cancelTicket'>;
  readonly mirrors: Pick<Mirrors, 'want'>;
  readonly inFlight: Pick<InFlight, 'requestsOf'>;
  /** Makes this instance the owner of a run. Returns false if another one is. */
  readonly adopt: (run: AloneRun) => Promise<boolean>;
}

/**
 * Runs that came while Redis was away, and that this instance does by itself. Once Redis is back
 * they are written there, as what this instance owns, whether or not they have ended: else their
 * clients would be refused wherever a balancer sends them, but here.
 */
export class UnsharedRuns {
  readonly #options: UnsharedRunsOptions;
  readonly #runs = new Map<string, UnsharedRun>();

  constructor(options: UnsharedRunsOptions) {
    this.#options = options;
  }

  /** A generation was given to the line of this process, since Redis is away. */
  add(generation: Generation, lane: string): void {
    const requests = new Set(this.#options.inFlight.requestsOf(generation));
    const one: UnsharedRun = { generation, lane, requests, isBegun: false, isAdopted: false, isSharing: false };
    this.#runs.set(generation.id, one);
    const { log } = generation;
    const stop = log.listen(() => {
      if (!log.ended) return;
      stop();
      this.#handleEnd(one);
    });
  }

  /** A request was added to a generation. */
  handleAdded(request: PendingRequest): void {
    const one = this.#runs.get(request.generation.id);
    if (one?.generation === request.generation) one.requests.add(request);
  }

  /** Writes what can be written by now. Redis is there. Rejects if it is away again. */
  async share(): Promise<void> {
    const due = [...this.#runs.values()].filter(({ isSharing }) => !isSharing);
    for (let from = 0; from < due.length; from += AT_ONCE)
      await Promise.all(due.slice(from, from + AT_ONCE).map((one) => this.#shareOnce(one)));
  }

  async #shareOnce(one: UnsharedRun): Promise<void> {
    one.isSharing = true;
    try {
      // With the next tick, after what was begun to be written of it is removed.
      if (!this.#options.store.isDiscarding(one.generation.id)) await this.#share(one);
    } finally {
      one.isSharing = false;
    }
  }

  async #share(one: UnsharedRun): Promise<void> {
    const { store, mirrors, adopt } = this.#options;
    const { generation, lane, requests } = one;
    const { id: run } = generation;
    for (const request of requests) if (!isAskedFor(request)) requests.delete(request);
    if (!one.isBegun) {
      const [found] = await store.findLost([{ run, requests: [...requests] }]);
      // Clients may choose ids. What another instance has is not replaced.
      const free = new Set(found?.isRunLost === true ? found.lost : []);
      for (const request of requests) if (!free.has(request)) requests.delete(request);
      one.isBegun = true;
    }
    if (requests.size === 0) {
      this.#forget(one);
      return;
    }
    const written = new Set(requests);
    if (!one.isAdopted && !(await adopt({ generation, lane, requests: written }))) {
      this.#forget(one);
      return;
    }
    one.isAdopted = true;
    for (const request of requests)
      request.saved = { eventOffset: 0, isOnDisk: true, isShared: true, written: Promise.resolve() };
    mirrors.want(run);
    for (const request of requests) {
      const { id, cancelledAt, cancelledBy } = request;
      // It has joined meanwhile, or is none of those that make a run go on.
      if (!written.has(request) || cancelledAt !== undefined) await store.addTicket(run, request);
      if (cancelledAt !== undefined) await store.cancelTicket(id, run, cancelledBy);
    }
    this.#forget(one);
  }

  #handleEnd(one: UnsharedRun): void {
    const { requests } = one;
    for (const request of requests) if (!isAskedForLater(request)) requests.delete(request);
    if (requests.size === 0) this.#forget(one);
    else this.#bound();
  }

  #forget(one: UnsharedRun): void {
    if (this.#runs.get(one.generation.id) === one) this.#runs.delete(one.generation.id);
  }

  /** Forgets those that were begun first, and which this process alone knows then. */
  #bound(): void {
    const ended = [...this.#runs.values()].filter(({ generation }) => generation.log.ended);
    let count = ended.length;
    let bytes = ended.reduce((sum, { generation }) => sum + generation.log.bytes, 0);
    for (const one of ended) {
      if (count <= MAX_ENDED && bytes <= MAX_ENDED_BYTES) return;
      count -= 1;
      bytes -= one.generation.log.bytes;
      if (!one.isSharing) this.#forget(one);
    }
  }
}

/** Whether a client may ask for a request by its id. */
function isAskedFor({ detached, cancelledAt }: PendingRequest): boolean {
  return detached || cancelledAt === undefined;
}

/** The same of one that ends now: its reader gets the rest of it here. */
function isAskedForLater(request: PendingRequest): boolean {
  return isAskedFor(request) && (request.detached || request.readers === undefined);
}
