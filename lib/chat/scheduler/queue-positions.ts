import type { Generation } from '#lib/chat/generation/generation';
import type { Lane } from '#lib/chat/scheduler/lane';
import type { Lanes } from '#lib/chat/scheduler/lanes';
import type { QueuedWork } from '#lib/chat/scheduler/queued-work';
import type { ShareStatus } from '#lib/wire/limits';

/** Queue position, counted from 1; 0 is not waiting. */
export interface QueueStanding {
  queue_position: number;
  /** Requests that wait for the same model server. */
  queue_length: number;
  /** Milliseconds. */
  estimated_wait_time: number;
  /** Of the caller that the generation is for, if that is above its share. */
  share?: ShareStatus;
}

/** Other callers in front of each waiting request that is behind, by its id. */
type CallersAhead = ReadonlyMap<string, number>;

/** The positions of waiting generations, as callers ask for them and as their readers get them. */
export class QueuePositions<T extends QueuedWork> {
  readonly #lanes: Lanes<T>;
  /** Whether a position says for which server it is. */
  readonly #namesServers: () => boolean;
  /** Waiting generations whose readers are sent every new position. */
  readonly #watched = new Set<Generation>();
  #isUpdateScheduled = false;

  constructor(lanes: Lanes<T>, namesServers: () => boolean) {
    this.#lanes = lanes;
    this.#namesServers = namesServers;
  }

  standing(generation: Generation): QueueStanding {
    const found = generation.state === 'queued' ? this.#lanes.waitingIn(generation) : undefined;
    if (found === undefined)
      return { queue_position: 0, queue_length: this.#lanes.bounds.size, estimated_wait_time: 0 };
    const { lane, position } = found;
    const share = shareOf(generation, () => callersAhead(lane));
    return {
      queue_position: position,
      queue_length: lane.line.size,
      estimated_wait_time: estimateMs(generation, lane, position),
      ...(share === undefined ? {} : { share }),
    };
  }

  /** Keeps the status of a waiting generation current for as long as it is retained. */
  watch(generation: Generation): void {
    if (generation.state !== 'queued') return;
    this.#watched.add(generation);
    this.#update(generation, callersAhead);
  }

  unwatch(generation: Generation): void {
    this.#watched.delete(generation);
  }

  /** Coalesces all changes of one turn of the event loop into one update of the positions. */
  scheduleUpdate(): void {
    if (this.#isUpdateScheduled || this.#watched.size === 0) return;
    this.#isUpdateScheduled = true;
    queueMicrotask(() => {
      this.#isUpdateScheduled = false;
      // Each line is walked once for all of its requests.
      const counted = new Map<Lane<T>, CallersAhead>();
      const aheadIn = (lane: Lane<T>) => {
        const ahead = counted.get(lane) ?? callersAhead(lane);
        counted.set(lane, ahead);
        return ahead;
      };
      for (const generation of this.#watched)
        if (generation.isRetained) this.#update(generation, aheadIn);
        else this.#watched.delete(generation);
    });
  }

  #update(generation: Generation, aheadIn: (lane: Lane<T>) => CallersAhead): void {
    const found = this.#lanes.waitingIn(generation);
    if (found === undefined) return;
    const { lane, position } = found;
    const last = generation.log.status;
    const namesServer = this.#namesServers();
    const isSameServer = !namesServer || last?.model_server === lane.server.name;
    const share = shareOf(generation, () => aheadIn(lane));
    if (position === last?.queue_position && isSameServer && share?.ahead === last.share?.ahead) return;
    generation.log.setStatus({
      type: 'status',
      status: 'queued',
      queue_position: position,
      queue_length: lane.line.size,
      estimated_wait_time: estimateMs(generation, lane, position),
      ...(namesServer ? { model_server: lane.server.name } : {}),
      ...(share === undefined ? {} : { share }),
    });
  }
}

function callersAhead<T extends QueuedWork>({ line }: Lane<T>): CallersAhead {
  const ahead = new Map<string, number>();
  const callers = new Set<string>();
  for (const { item } of line.waiting()) {
    if (item.isBehind) ahead.set(item.id, callers.size - (callers.has(item.caller) ? 1 : 0));
    callers.add(item.caller);
  }
  return ahead;
}

/** Undefined if the generation is not behind others, or its caller is within its share by now. */
function shareOf({ id, isBehind, allowance }: Generation, countAhead: () => CallersAhead): ShareStatus | undefined {
  const overrun = isBehind ? allowance?.overrun() : undefined;
  return overrun && { ...overrun, ahead: countAhead().get(id) ?? 0 };
}

/** From the measured times of the model on the lane's server. */
function estimateMs<T extends QueuedWork>(
  { timingKey }: QueuedWork,
  { times, slots }: Lane<T>,
  position: number,
): number {
  return times.estimateMs(timingKey, position, slots);
}
