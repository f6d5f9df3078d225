import type { Generation } from '#lib/chat/generation/generation';
import type { WaitingWork } from '#lib/chat/scheduler/scheduler-view';
import type { QueueFigures } from '#lib/chat/seams';
import type { SharedLanes } from '#lib/cluster/shared-lanes';
import type { LocalLane } from '#lib/cluster/shared-types';
import type { ModelServer } from '#lib/models/model-server';

/** A generation that this instance has put into the shared line. */
export interface SharedWork {
  readonly generation: Generation;
  readonly lane: LocalLane;
  readonly since: number;
}

/**
 * The figures of all instances where they are a count, as last seen; work itself is that of this
 * instance.
 */
export class SharedQueueFigures implements QueueFigures {
  readonly #local: QueueFigures;
  readonly #lanes: SharedLanes;
  /** What waits in the shared line, as far as this instance has put it there. */
  readonly #waiting: () => Iterable<SharedWork>;

  constructor(local: QueueFigures, lanes: SharedLanes, waiting: () => Iterable<SharedWork>) {
    this.#local = local;
    this.#lanes = lanes;
    this.#waiting = waiting;
  }

  get queueLength(): number {
    return this.#lanes.waiting + this.#local.queueLength;
  }

  get waitingBytes(): number {
    let bytes = this.#local.waitingBytes;
    for (const { generation } of this.#waiting()) bytes += generation.bytes;
    return bytes;
  }

  /** Of this instance, whose local slots have what its workers took: instances are summed. */
  get runningCount(): number {
    return this.#local.runningCount;
  }

  get isRunning(): boolean {
    return this.#local.isRunning || this.#lanes.running > 0;
  }

  get running(): QueueFigures['running'] {
    return this.#local.running;
  }

  get tokens(): number {
    return this.#local.tokens;
  }

  /** Of this instance, whose slots count each run that its workers took as a batch by itself. */
  get releasedBatches(): QueueFigures['releasedBatches'] {
    const { batches, requests } = this.#local.releasedBatches;
    return { batches: Math.max(0, batches - this.#lanes.batches.joined), requests };
  }

  get averageMs(): number {
    return this.#local.averageMs;
  }

  get isAverageMeasured(): boolean {
    return this.#local.isAverageMeasured;
  }

  get slots(): number {
    return this.#local.slots;
  }

  get areServersSeveral(): boolean {
    return this.#local.areServersSeveral;
  }

  laneOf(server: ModelServer): ReturnType<QueueFigures['laneOf']> {
    return this.#local.laneOf(server);
  }

  /** By the positions that were read last. */
  waiting(): WaitingWork[] {
    const shared = [...this.#waiting()].map(({ generation, lane, since }) => ({
      item: generation,
      since,
      position: generation.log.status?.queue_position ?? 0,
      server: lane.server,
    }));
    return [...this.#local.waiting(), ...shared].sort((a, b) => a.position - b.position || a.since - b.since);
  }

  usesOf(isOne: (model: string) => boolean): number {
    let uses = this.#local.usesOf(isOne);
    for (const { generation } of this.#waiting()) if (isOne(generation.model)) uses += 1;
    return uses;
  }
}
