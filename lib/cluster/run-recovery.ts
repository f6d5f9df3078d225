import type { InFlight } from '#lib/chat/generation/in-flight';
import type { Mirror, Mirrors } from '#lib/cluster/mirrors';
import type { RunStore } from '#lib/cluster/runs';
import type { ClusterLink, SharedLine } from '#lib/cluster/shared-types';

/** Runs that are looked at in one trip. */
const AT_ONCE = 100;

export interface RunRecoveryOptions {
  readonly link: Pick<ClusterLink, 'connection'>;
  readonly store: RunStore;
  readonly mirrors: Mirrors;
  readonly inFlight: Pick<InFlight, 'requestsOf'>;
  readonly line: () => SharedLine;
}

/**
 * Writes again, from the memory of this instance, what Redis has lost of the requests that were
 * submitted here: all of it where Redis came back empty, its last moments after a failover. A run
 * that waits enters the line again. A run that another instance works on is written again by that
 * one; its requests of this instance are added to it.
 */
export class RunRecovery {
  readonly #options: RunRecoveryOptions;
  /** The connection over which what Redis has was looked at last. */
  #epoch: number;

  constructor(options: RunRecoveryOptions) {
    this.#options = options;
    this.#epoch = options.link.connection.epoch;
  }

  /** Looks once for each connection. Rejects if Redis is away again. */
  async recover(): Promise<void> {
    const { link, mirrors, inFlight, store } = this.#options;
    const { epoch } = link.connection;
    if (epoch === this.#epoch) return;
    const known = mirrors.all().flatMap((mirror) => {
      const { id: run } = mirror.generation;
      const requests = inFlight.requestsOf(mirror.generation).filter(({ isCopy }) => !isCopy);
      return requests.length === 0 || mirror.isAlone || store.isEntering(run) ? [] : [{ mirror, run, requests }];
    });
    for (let from = 0; from < known.length; from += AT_ONCE) {
      const some = known.slice(from, from + AT_ONCE);
      const found = await store.findLost(some);
      for (const [index, { mirror, run }] of some.entries()) {
        const { isRunLost = false, lost = [] } = found[index] ?? {};
        if (lost.length > 0 || isRunLost) await store.keepFlight(run);
        if (isRunLost && this.#enterAgain(mirror)) continue;
        for (const request of lost) await store.addTicket(run, request);
      }
    }
    this.#epoch = epoch;
  }

  /** Returns whether the run waits, and its request is here. */
  #enterAgain({ generation, lane, isOwned, isAlone }: Mirror): boolean {
    const isWaiting = generation.state === 'queued' && !isOwned && !isAlone;
    if (!isWaiting || generation.packedRequest === undefined) return false;
    this.#options.line().enterAgain(generation, lane);
    return true;
  }
}
