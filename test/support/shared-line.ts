import { setTimeout as delay } from 'node:timers/promises';
import type { ChainableCommander } from 'ioredis';
import { Generation, type GenerationInit } from '#lib/chat/generation/generation';
import { Lane } from '#lib/chat/scheduler/lane';
import { QueueBounds } from '#lib/chat/scheduler/queue-bounds';
import type { QueueStanding } from '#lib/chat/scheduler/queue-positions';
import type { RunnableTask } from '#lib/chat/scheduler/task';
import { WaitEstimator } from '#lib/chat/scheduler/wait-estimator';
import type { QueueFigures } from '#lib/chat/seams';
import { RedisKeys } from '#lib/cluster/keys';
import { CommandConnection } from '#lib/cluster/redis';
import { SharedQueue } from '#lib/cluster/shared-queue';
import type { ClusterLink, LocalLane, RunProcessor, RunRecord, Runs, SharedLineParts } from '#lib/cluster/shared-types';
import { readConfig } from '#lib/config/config';
import { parseRedisUrl } from '#lib/config/redis-url';
import { ModelServer } from '#lib/models/model-server';
import type { ModelProvider } from '#lib/models/provider';

const KEYS = new RedisKeys('chill');
const RUN_TTL_SECONDS = 3_600;

/** Connects to a Redis as one instance of several. Workers may have another way to it. */
export async function linkTo(
  port: number,
  instanceId: string,
  workerPort = port,
): Promise<ClusterLink & { close(): void }> {
  const address = parseRedisUrl(`redis://127.0.0.1:${port}`);
  if (address === undefined) throw new Error('no address');
  const connection = new CommandConnection(address, undefined, { onDown: () => {}, onUp: () => {} });
  await connection.connect(3_000);
  return {
    instanceId,
    keys: KEYS,
    connection,
    connectionOptions: {
      host: '127.0.0.1',
      port: workerPort,
      lazyConnect: true,
      retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 10), 1_000),
    },
    instanceIds: () => [instanceId],
    othersServe: () => true,
    share: () => {},
    close: () => connection.close(),
  };
}

/** A generation without a model behind it. */
export function generationOf(
  id: string,
  caller: string,
  priority = 0,
  group = 'test',
  share: Pick<GenerationInit, 'allowance' | 'isBehind'> = {},
): Generation {
  return new Generation(
    {
      ...{ id, caller, priority, group, model: 'test', createdAt: Date.now(), key: undefined },
      ...{ requestBytes: 100, ...share },
    },
    { clock: { now: () => Date.now(), after: () => () => {} }, graceMs: 60_000, onDone: () => {} },
  );
}

/** Runs as hashes of Redis, without requests and logs. */
export class TestRuns implements Runs {
  readonly admitted: string[] = [];
  readonly refused: { run: string; code: string; message: string }[] = [];
  readonly startedHere: string[] = [];
  readonly ended: { run: string; code: string }[] = [];
  readonly #link: ClusterLink;
  unwanted = new Set<string>();
  behind = new Set<string>();

  constructor(link: ClusterLink) {
    this.#link = link;
  }

  handleSubmitted(): void {}

  isEntering(): boolean {
    return false;
  }

  addCreation(commands: ChainableCommander, { generation, lane }: Parameters<Runs['addCreation']>[1]): void {
    const { id, caller, group, model, priority } = generation;
    commands
      .hset(KEYS.run(id), { state: 'queued', lane, group, caller, priority, model, createdAt: Date.now() })
      .expire(KEYS.run(id), RUN_TTL_SECONDS)
      .zadd(KEYS.openRuns, Date.now(), id)
      .expire(KEYS.openRuns, RUN_TTL_SECONDS);
  }

  addPlace(commands: ChainableCommander, run: string, place: { turn: number; sortKey: number }): void {
    commands.hset(KEYS.run(run), place);
  }

  addLane(commands: ChainableCommander, run: string, lane: string): void {
    commands.hset(KEYS.run(run), { lane });
  }

  handleAdmitted(generation: Generation): void {
    this.admitted.push(generation.id);
  }

  handleNotAdmitted(generation: Generation, end?: Parameters<Runs['handleNotAdmitted']>[1]): void {
    if (end === undefined) this.startedHere.push(generation.id);
    else {
      this.refused.push({ run: generation.id, code: end.error.code, message: end.error.message });
      generation.finish(end);
    }
  }

  handleUnshared(): void {
    // It is not written again once Redis is back.
  }

  async read(run: string): Promise<RunRecord | undefined> {
    const found = await this.#link.connection.client.hgetall(KEYS.run(run));
    if (found.lane === undefined) return undefined;
    const number = (name: string) => (found[name] === undefined ? undefined : Number(found[name]));
    return {
      id: run,
      state: (found.state ?? 'queued') as RunRecord['state'],
      lane: found.lane,
      group: found.group ?? '',
      caller: found.caller ?? '',
      priority: number('priority') ?? 0,
      model: found.model ?? '',
      createdAt: number('createdAt') ?? 0,
      turn: number('turn'),
      sortKey: number('sortKey'),
      attempt: 0,
      owner: '',
      cancelledBy: undefined,
    };
  }

  async requeue(): Promise<boolean> {
    return false;
  }

  async isWanted(run: string): Promise<boolean> {
    return !this.unwanted.has(run);
  }

  async stillBehind(waiting: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(waiting.filter((run) => this.behind.has(run)));
  }

  untouched(ms: number, count: number): Promise<string[]> {
    return this.#link.connection.client.zrange(
      KEYS.openRuns,
      '-inf',
      String(Date.now() - ms),
      'BYSCORE',
      'LIMIT',
      0,
      count,
    );
  }

  async touch(runs: readonly string[]): Promise<void> {
    for (const run of runs) await this.#link.connection.client.zadd(KEYS.openRuns, 'XX', Date.now(), run);
  }

  async renew(): Promise<void> {}

  async end(run: string, event: Parameters<Runs['end']>[1]): Promise<boolean> {
    await this.#link.connection.client.zrem(KEYS.openRuns, run);
    this.ended.push({ run, code: event.type === 'error' ? event.error.code : 'done' });
    return true;
  }
}

export interface TestLine {
  readonly line: SharedQueue;
  readonly runs: TestRuns;
  readonly lane: LocalLane;
  readonly lanes: readonly LocalLane[];
  readonly link: ClusterLink;
  /** Work that went to the local scheduler. */
  readonly here: string[];
  /** Puts a generation into the line. */
  submit(generation: Generation): void;
  close(): Promise<void>;
}

export interface LineOptions {
  readonly slots?: number;
  readonly env?: Record<string, string>;
  readonly urls?: readonly string[];
  readonly workerPort?: number;
  /** @default the first lane */
  readonly choose?: (lanes: readonly LocalLane[]) => LocalLane | undefined;
}

/**
 * One instance: a shared line whose lanes are those of `urls`, the first one preferred. Its local
 * scheduler only notes what it gets.
 */
export async function joinLine(
  port: number,
  instanceId: string,
  processor: RunProcessor,
  { slots = 2, env = {}, urls = [LANE_URL], workerPort, choose }: LineOptions = {},
): Promise<TestLine> {
  const link = await linkTo(port, instanceId, workerPort);
  const settings = readConfig(env);
  const runs = new TestRuns(link);
  const lanes = urls.map((url) => laneWith(slots, url));
  const [lane] = lanes;
  if (lane === undefined) throw new Error('no lane');
  const here: string[] = [];
  const local = { ...localWith(lane, lanes, here), chooseLane: () => choose?.(lanes) ?? lane };
  const parts: SharedLineParts = { link, runs, processor, local, settings };
  const line = new SharedQueue(parts);
  return {
    line,
    runs,
    lane,
    lanes,
    link,
    here,
    submit(generation) {
      line.admit(generation, line.ensureCapacity(generation), Date.now());
    },
    async close() {
      await line.stop(100);
      line.close(new (await import('#lib/errors')).AppError('shutting_down', 'The server stops.'));
      link.close();
    },
  };
}

/** What the local scheduler says that it has released. */
export const SLOT_BATCHES = 100;
const LANE_URL = 'http://127.0.0.1:1';

function laneWith(slots: number, url: string): LocalLane {
  const provider = { id: 'ollama' } as ModelProvider;
  const server = new ModelServer({
    ...{ provider, name: 'gpu', isNamed: false, url, slots, weight: 1, hasTags: false },
  });
  const limits = {
    ...{ maxSize: 1_000, maxBytes: 1e9, maxCallerBytes: 1e9, batch: { maxSize: 1, timeoutMs: 0 } },
  };
  return new Lane(server, limits, new QueueBounds(limits), new WaitEstimator(1_000), 1_000);
}

function localWith(lane: LocalLane, lanes: readonly LocalLane[], here: string[]): SharedLineParts['local'] {
  const nowhere: QueueStanding = { queue_position: 0, queue_length: 0, estimated_wait_time: 0 };
  const view: QueueFigures = {
    ...{ queueLength: 0, waitingBytes: 0, runningCount: 0, isRunning: false, running: [], tokens: 0 },
    ...{
      releasedBatches: { batches: SLOT_BATCHES, requests: SLOT_BATCHES },
      averageMs: 1_000,
      isAverageMeasured: false,
    },
    ...{ slots: lane.server.slots, areServersSeveral: lanes.length > 1 },
    waiting: () => [],
    laneOf: () => lane,
    usesOf: () => 0,
  };
  return {
    view,
    closed: undefined,
    chooseLane: () => lane,
    lanes: () => lanes,
    dispatch: () => {},
    ensureCapacity: () => lane,
    admit: (work: Generation | RunnableTask) => void here.push(work.id),
    raisePriority: (generation, priority) => {
      generation.priority = priority;
    },
    watchPosition: () => {},
    handleDone: () => {},
    queueStatus: () => nowhere,
    throwIfClosed: () => {},
    reserve: () => () => {},
    close: () => {},
  };
}

/** A worker that holds each run for a while, and counts. */
export interface Counter {
  readonly process: RunProcessor;
  readonly started: string[];
  most: number;
}

export function counter(holdMs: number): Counter {
  let running = 0;
  const counted: Counter = {
    started: [],
    most: 0,
    process: async ({ run }) => {
      counted.started.push(run);
      running += 1;
      counted.most = Math.max(counted.most, running);
      await delay(holdMs);
      running -= 1;
      return 'ended';
    },
  };
  return counted;
}

/** The instances of a test, which end with it. */
export class LineGroup {
  readonly #lines: TestLine[] = [];

  async join(port: number, processor: RunProcessor, options?: LineOptions): Promise<TestLine> {
    const joined = await joinLine(port, `instance ${this.#lines.length}`, processor, options);
    this.#lines.push(joined);
    return joined;
  }

  /** An instance that submits, and never works. */
  async joinFront(port: number, options?: LineOptions): Promise<TestLine> {
    const front = await this.join(port, async () => 'ended', options);
    front.line.pause();
    await front.line.start();
    return front;
  }

  async close(): Promise<void> {
    await Promise.all(this.#lines.splice(0).map((line) => line.close()));
  }
}
