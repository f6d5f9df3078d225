import { randomUUID } from 'node:crypto';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Generation } from '#lib/chat/generation/generation';
import type { InFlight } from '#lib/chat/generation/in-flight';
import type { ClaimRequest, FlightClaim } from '#lib/chat/seams';
import type { Mirrors } from '#lib/cluster/mirrors';
import type { RunStore } from '#lib/cluster/runs';
import type { ClusterLink } from '#lib/cluster/shared-types';
import { HOUR_MS, SECOND_MS } from '#lib/units';

/** A run may end while a request is about to join it. */
const MAX_TAKES = 3;
/**
 * A run that has taken a flight is in Redis within this time, or its instance is lost. Where many
 * are submitted at a time, the last one takes some seconds.
 */
const CREATION_MS = 5 * SECOND_MS;
const LOOK_MS = 10;
const MAX_LOOK_MS = 100;

export interface FlightsOptions {
  readonly link: ClusterLink;
  readonly store: Pick<RunStore, 'claimId' | 'takeFlight' | 'flightRun' | 'releaseFlight'>;
  readonly inFlight: Pick<InFlight, 'find' | 'findLeader' | 'registerLeader'>;
  readonly mirrors: Pick<Mirrors, 'of'>;
  readonly creationMs?: number;
}

interface Taken {
  /** The generation that has the flight; absent if it is free or was taken. */
  readonly leader?: Generation;
  readonly takes: number;
}

/** Single flight over all instances: of identical requests, the first one takes the flight. */
export class SharedFlights {
  readonly #options: FlightsOptions;
  /** Flights that this instance asks for, by their keys. */
  readonly #asking = new Map<string, Promise<unknown>>();
  /** Flights that runs of this instance have taken. */
  readonly #held = new Map<string, { readonly key: string; readonly atMs: number }>();

  constructor(options: FlightsOptions) {
    this.#options = options;
  }

  /** The key of the flight that a run of this instance has taken. */
  heldBy(run: string): string | undefined {
    return this.#held.get(run)?.key;
  }

  /** A run has ended. */
  forget(run: string): void {
    this.#held.delete(run);
  }

  /** See `SharedAdmission.claim`. */
  claim(request: ClaimRequest): Promise<FlightClaim> | undefined {
    if (!this.#options.link.connection.isUsable) return undefined;
    const { joinKey, ownKey, isIdGiven } = request;
    if (joinKey === undefined && ownKey === undefined && !isIdGiven) return undefined;
    return this.#claim(request);
  }

  async #claim({ id: wanted, isIdGiven, joinKey, ownKey }: ClaimRequest): Promise<FlightClaim> {
    const { inFlight, store } = this.#options;
    const isKnown = isIdGiven && wanted !== undefined && inFlight.find(wanted) !== undefined;
    const id = isKnown ? randomUUID() : (wanted ?? randomUUID());
    let isLate = false;
    try {
      // In one trip with the flight.
      const claiming = isIdGiven && !isKnown ? store.claimId(id) : undefined;
      // Reported where both are waited for.
      claiming?.catch(() => {});
      // Of this instance, one request at a time asks: the others join what comes of it.
      for (let asking = this.#askingFor(joinKey); asking !== undefined; asking = this.#askingFor(joinKey)) {
        isLate = true;
        await asking;
      }
      const hasLeader = joinKey !== undefined && inFlight.findLeader(joinKey) !== undefined;
      const taking = hasLeader ? undefined : this.#takeOnce(id, joinKey, ownKey);
      const [isFree, taken] = await Promise.all([claiming ?? true, taking]);
      if (isFree) return this.#claimed(id, isLate || (taken?.takes ?? 0) > 1, taken?.leader);
      return await this.#claimOther(id, { joinKey, ownKey }, taken?.leader);
    } catch {
      // The guard has recorded the failure: this instance goes on alone.
      return this.#claimed(id, isLate);
    }
  }

  /** Another request has this id: it takes the flight under a new one. Rejects if Redis does. */
  async #claimOther(
    id: string,
    { joinKey, ownKey }: Pick<ClaimRequest, 'joinKey' | 'ownKey'>,
    leader: Generation | undefined,
  ): Promise<FlightClaim> {
    const other = randomUUID();
    const held = this.#held.get(id);
    if (held === undefined) return this.#claimed(other, true, leader);
    this.#held.delete(id);
    await this.#options.store.releaseFlight(held.key, id);
    const taken = await this.#takeOnce(other, joinKey, ownKey);
    return this.#claimed(other, true, taken.leader);
  }

  /** Like `#take`; others of this instance wait for it. */
  #takeOnce(run: string, joinKey: string | undefined, ownKey: string | undefined): Promise<Taken> {
    const taking = this.#take(run, joinKey, ownKey);
    if (joinKey === undefined) return taking;
    const asking = taking.then(
      () => nextTurn(),
      () => {},
    );
    this.#asking.set(joinKey, asking);
    void asking.finally(() => this.#asking.delete(joinKey));
    return taking;
  }

  #askingFor(key: string | undefined): Promise<unknown> | undefined {
    return key === undefined ? undefined : this.#asking.get(key);
  }

  #claimed(id: string, isLate: boolean, leader?: Generation | undefined): FlightClaim {
    return {
      id,
      leader,
      isLate,
      release: () => {
        const held = this.#held.get(id);
        if (held === undefined) return;
        this.#held.delete(id);
        void this.#options.store.releaseFlight(held.key, id);
      },
    };
  }

  /** Takes the flight for `run`, or finds the generation that has it. Rejects if Redis does. */
  async #take(run: string, joinKey: string | undefined, ownKey: string | undefined): Promise<Taken> {
    const { store, inFlight } = this.#options;
    this.#sweep();
    for (let takes = 1; ; takes++) {
      const key = ownKey ?? joinKey;
      if (key === undefined) return { takes };
      const other = await (ownKey === undefined ? store.flightRun(key) : store.takeFlight(key, run));
      if (other === undefined) {
        if (ownKey !== undefined) this.#held.set(run, { key: ownKey, atMs: performance.now() });
        return { takes };
      }
      // A request that replaces what is cached joins no other.
      if (joinKey === undefined || other === run) return { takes };
      const leader = await this.#leaderOf(other, joinKey, key);
      if (leader === 'lost') await store.releaseFlight(key, other);
      else if (leader !== 'ended') {
        inFlight.registerLeader(leader);
        return { leader, takes };
      } else await delay(LOOK_MS);
      if (takes === MAX_TAKES) return { takes: takes + 1 };
    }
  }

  async #leaderOf(run: string, flightKey: string, key: string): Promise<Generation | 'ended' | 'lost'> {
    const { mirrors, creationMs = CREATION_MS } = this.#options;
    const deadlineMs = performance.now() + creationMs;
    for (let waitMs = LOOK_MS; ; waitMs = Math.min(2 * waitMs, MAX_LOOK_MS)) {
      const generation = await mirrors.of(run);
      // An id that is in use may have the flight for a moment: see `#claimOther`.
      const isOfFlight = generation?.flightKey === flightKey;
      if (generation !== undefined) return isOfFlight && generation.finishedAt === undefined ? generation : 'ended';
      // It was given back: the response was cached after all.
      if ((await this.#options.store.flightRun(key)) !== run) return 'ended';
      if (performance.now() >= deadlineMs) return 'lost';
      await delay(waitMs);
    }
  }

  /** A flight that was taken for a run that never came about has expired by then. */
  #sweep(): void {
    const now = performance.now();
    for (const [run, { atMs }] of this.#held) {
      if (now - atMs < 2 * HOUR_MS) return;
      this.#held.delete(run);
    }
  }
}
