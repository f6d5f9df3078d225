import { Generation } from '#lib/chat/generation/generation';
import type { LaneBound } from '#lib/chat/scheduler/lane';
import type { RunnableTask } from '#lib/chat/scheduler/task';
import type { ClusterLink, LocalLane } from '#lib/cluster/shared-types';

type Work = Generation | RunnableTask;

/**
 * What an instance uses of a model server while Redis is away, and it does not see what others use:
 * its part of the slots, by the number of instances that was known last, and at least one. What it
 * has begun by itself stays within that part when Redis is back, since the common line has all
 * slots again by then.
 */
export class LocalShare {
  readonly #link: Pick<ClusterLink, 'connection' | 'instanceIds'>;
  #isAway = false;
  #instances = 1;

  constructor(link: Pick<ClusterLink, 'connection' | 'instanceIds'>) {
    this.#link = link;
  }

  /** The bound of a lane that instances share. */
  boundOf({ server }: Pick<LocalLane, 'server'>): LaneBound<Work> {
    const part = () => Math.max(1, Math.floor(server.slots / this.#instances));
    const look = () => this.#look();
    return {
      get slots() {
        return look() ? part() : server.slots;
      },
      allows(work, running) {
        const isAway = look();
        const isGeneration = work instanceof Generation;
        // A worker has taken it: Redis has counted it among all.
        if (isGeneration && !work.isDegraded) return true;
        if (isAway) return running.size < part();
        return !isGeneration || countDegraded(running) < part();
      },
    };
  }

  /** Whether Redis is away. */
  #look(): boolean {
    const isAway = !this.#link.connection.isUsable;
    // As last seen: nothing is heard of them from now on.
    if (isAway && !this.#isAway) this.#instances = Math.max(1, this.#link.instanceIds().length);
    this.#isAway = isAway;
    return isAway;
  }
}

function countDegraded(running: ReadonlySet<Work>): number {
  let count = 0;
  for (const work of running) if (work instanceof Generation && work.isDegraded) count += 1;
  return count;
}
