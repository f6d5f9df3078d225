import type { Generation } from '#lib/chat/generation/generation';
import type { InFlight } from '#lib/chat/generation/in-flight';
import type { PendingRequest } from '#lib/chat/generation/pending-request';
import type { Mirror, Mirrors } from '#lib/cluster/mirrors';
import { isFinal } from '#lib/cluster/run-format';
import { type RunStore, setUnsaved } from '#lib/cluster/runs';
import type { ClusterLink, SharedLine } from '#lib/cluster/shared-types';
import { MIB } from '#lib/units';

/** Of those that have ended, so many wait for Redis to write their responses to. */
const MAX_ENDED = 1_000;
/** The logs of all of them are at most this long. */
const MAX_ENDED_BYTES = 32 * MIB;
/** Runs that are settled at a time: more commands would hold up others. */
const AT_ONCE = 50;

/** A run that this instance does by itself. */
export interface AloneRun {
  readonly generation: Generation;
  /** The lane in whose shared line it waited. */
  readonly lane: string;
  /** Those of this instance, as long as it ran or until they were cancelled. */
  readonly requests: ReadonlySet<PendingRequest>;
}

interface Known extends AloneRun {
  readonly requests: Set<PendingRequest>;
  isSettling: boolean;
}

/** What this instance works on as the owner. */
interface OwnedWork {
  isTaking(run: string): boolean;
  /** Makes this instance the owner. Returns false if another one is, and rejects if Redis does. */
  adopt(run: AloneRun): Promise<boolean>;
}

export interface AloneRunsOptions {
  readonly link: Pick<ClusterLink, 'instanceId'>;
  readonly store: RunStore;
  readonly mirrors: Mirrors;
  readonly inFlight: Pick<InFlight, 'requestsOf'>;
  readonly line: () => SharedLine;
  readonly work: () => OwnedWork;
  /** A run that has ended for this instance is settled. */
  readonly onRemove: (run: string) => void;
}

/**
 * Runs that wait in the shared line, and that this instance does by itself since Redis is away.
 * Once Redis is back, each of them is settled. If no other instance has begun it, its job is
 * removed, and this instance is its owner, as of any other run. If another one has, this instance
 * gives its part up unseen, unless a reader has some of its text: no reader gets two texts.
 */
export class AloneRuns {
  readonly #options: AloneRunsOptions;
  readonly #runs = new Map<string, Known>();

  constructor(options: AloneRunsOptions) {
    this.#options = options;
  }

  get(run: string): AloneRun | undefined {
    return this.#runs.get(run);
  }

  /** Begins a waiting run. Without room in the line of this process, it goes on waiting. */
  begin(mirror: Mirror): void {
    const { mirrors, inFlight, line } = this.#options;
    const { generation, lane } = mirror;
    const known: Known = { generation, lane, requests: new Set(inFlight.requestsOf(generation)), isSettling: false };
    // It may end in this turn.
    this.#runs.set(generation.id, known);
    const { log } = generation;
    const stop = log.listen(() => {
      if (!log.ended) return;
      stop();
      for (const request of inFlight.requestsOf(generation)) known.requests.add(request);
      this.#bound();
    });
    mirrors.beginAlone(mirror);
    if (!line().startHere(generation)) {
      stop();
      this.#runs.delete(generation.id);
      mirrors.waitAgain(mirror);
    }
  }

  /** Settles what can be settled by now. Redis is there. Rejects if it is away again. */
  async settle(): Promise<void> {
    const due = [...this.#runs.values()].filter(({ isSettling }) => !isSettling);
    for (let from = 0; from < due.length; from += AT_ONCE)
      await Promise.all(due.slice(from, from + AT_ONCE).map((one) => this.#settleOnce(one)));
  }

  async #settleOnce(one: Known): Promise<void> {
    one.isSettling = true;
    try {
      await this.#settle(one);
    } finally {
      one.isSettling = false;
    }
  }

  async #settle(one: Known): Promise<void> {
    const { store, line, work, link } = this.#options;
    const { generation } = one;
    const { id: run } = generation;
    // The worker of this instance has its job.
    if (work().isTaking(run)) return;
    if (generation.state === 'cancelled') {
      await this.#withdraw(one);
      return;
    }
    const isOut = await line().withdraw(run);
    if (!isOut) {
      const stored = await store.find(run);
      // Whose worker has it shows in a moment.
      if (stored !== undefined && (stored.owner === '' || stored.owner === link.instanceId)) return;
    }
    if (this.#runs.get(run) !== one || work().isTaking(run)) return;
    if (await work().adopt(this.#current(one))) this.forget(run);
    else this.giveUp(run);
  }

  /** Another instance has begun the run, or has done it. */
  giveUp(run: string): void {
    const { store, mirrors } = this.#options;
    const one = this.#runs.get(run);
    if (one === undefined) return;
    this.#runs.delete(run);
    const { generation } = one;
    if (generation.log.lastNumber === 0) {
      mirrors.giveUpAlone(generation);
      return;
    }
    // It lives in this process alone: a reader that comes back elsewhere would go on with another
    // text.
    const requests = [...this.#current(one).requests];
    for (const request of requests) setUnsaved(request);
    store.discard(run, requests);
    mirrors.release(generation);
    this.#handleRemoved(run);
  }

  /** It is an ordinary run of this instance by now. */
  forget(run: string): void {
    this.#runs.delete(run);
    this.#handleRemoved(run);
  }

  #handleRemoved(run: string): void {
    const { mirrors, onRemove } = this.#options;
    if (mirrors.get(run) === undefined) onRemove(run);
  }

  /** No request of this instance wants it any more. Rejects if Redis does. */
  async #withdraw({ generation, requests }: Known): Promise<void> {
    const { store, mirrors } = this.#options;
    const { id: run, log } = generation;
    for (const request of requests)
      if (!request.isCopy && request.cancelledAt !== undefined)
        await store.cancelTicket(request.id, run, request.cancelledBy);
    await store.dropLease(run);
    const end = log.eventAt(log.lastNumber);
    if (isFinal(end) && !(await store.isWanted(run))) await mirrors.endWaiting(run, end);
    this.forget(run);
  }

  /** With the requests that have joined since. */
  #current(one: Known): AloneRun {
    for (const request of this.#options.inFlight.requestsOf(one.generation)) one.requests.add(request);
    return one;
  }

  /** Forgets those that were begun first, and whose ends are known to this process alone then. */
  #bound(): void {
    const ended = [...this.#runs.values()].filter(({ generation }) => generation.finishedAt !== undefined);
    let count = ended.length;
    let bytes = ended.reduce((sum, { generation }) => sum + generation.log.bytes, 0);
    for (const { generation, requests } of ended) {
      if (count <= MAX_ENDED && bytes <= MAX_ENDED_BYTES) return;
      count -= 1;
      bytes -= generation.log.bytes;
      this.#options.store.discard(generation.id, [...requests]);
      this.forget(generation.id);
    }
  }
}
