import type { Lane } from '#lib/chat/scheduler/lane';
import type { Lanes } from '#lib/chat/scheduler/lanes';
import type { ModelCalls } from '#lib/chat/scheduler/model-calls';
import type { QueuedWork } from '#lib/chat/scheduler/queued-work';
import type { RunningCalls } from '#lib/chat/scheduler/running-calls';
import type { SchedulerParts } from '#lib/chat/scheduler/scheduler-parts';
import type { Config } from '#lib/config/config';
import type { ModelServer } from '#lib/models/model-server';
import type { ModelServers } from '#lib/models/servers';

/** Waiting work with its place in the line of a model server. */
export interface WaitingWork {
  readonly item: QueuedWork;
  readonly since: number;
  readonly position: number;
  readonly server: ModelServer;
}

interface ViewedParts<T extends QueuedWork> extends SchedulerParts<T> {
  readonly running: RunningCalls;
  readonly calls: ModelCalls;
}

/** What can be read of a scheduler: its work, and the figures of it. Changes nothing. */
export class SchedulerView<T extends QueuedWork> {
  readonly #settings: Config;
  readonly #servers: ModelServers | undefined;
  readonly #lanes: Lanes<T>;
  readonly #running: RunningCalls;
  readonly #calls: ModelCalls;

  constructor({ settings, servers, lanes, running, calls }: ViewedParts<T>) {
    this.#settings = settings;
    this.#servers = servers;
    this.#lanes = lanes;
    this.#running = running;
    this.#calls = calls;
  }

  /** The work that holds a slot. */
  get running(): Iterable<QueuedWork> {
    return this.#running;
  }

  get isRunning(): boolean {
    return this.#running.size > 0;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** Generated tokens so far. */
  get tokens(): number {
    return this.#calls.tokens;
  }

  get queueLength(): number {
    return this.#lanes.bounds.size;
  }

  /** Memory of the waiting generations. */
  get waitingBytes(): number {
    return this.#lanes.bounds.bytes;
  }

  /** Batches released so far, and the requests in them. */
  get releasedBatches(): { batches: number; requests: number } {
    const sum = { batches: 0, requests: 0 };
    for (const { line } of this.#lanes) {
      sum.batches += line.releasedBatches.batches;
      sum.requests += line.releasedBatches.requests;
    }
    return sum;
  }

  /** Moving average of measured generation times, the configured estimate before the first. */
  get averageMs(): number {
    return this.#lanes.times.averageMs;
  }

  get isAverageMeasured(): boolean {
    return this.#lanes.times.isMeasured;
  }

  /** Requests that all model servers in use work on at a time. */
  get slots(): number {
    const servers = this.#servers?.all ?? [];
    if (servers.length === 0) return this.#settings.QUEUE_MAX_CONCURRENT;
    return servers.reduce((sum, { slots }) => sum + slots, 0);
  }

  /** Whether requests may run on several model servers. */
  get areServersSeveral(): boolean {
    return this.#servers?.areSeveral === true;
  }

  /** The lane of a server, if anything was asked of it. */
  laneOf(server: ModelServer): Lane<T> | undefined {
    return this.#lanes.find(server);
  }

  /** All waiting work, by its position: in queue order, if there is one server. */
  waiting(): WaitingWork[] {
    const all: WaitingWork[] = [];
    for (const { line, server } of this.#lanes) {
      let position = 0;
      for (const { item, since } of line.waiting()) {
        position += 1;
        all.push({ item, since, position, server });
      }
    }
    return this.#lanes.areSeveral ? all.sort((a, b) => a.position - b.position || a.since - b.since) : all;
  }

  /** The number of running and waiting requests whose model `isOne` accepts. */
  usesOf(isOne: (model: string) => boolean): number {
    const all = [...this.#running, ...this.waiting().map(({ item }) => item)];
    return all.filter(({ model }) => isOne(model)).length;
  }
}
