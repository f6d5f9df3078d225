import { z } from 'zod';
import { singleton } from '#lib/singletons';

/**
 * A worker's side of its supervisor (`lib/server/workers`): this process as one of several that
 * share a port.
 */
export interface WorkerProcess {
  /** From 1. A worker that replaces another one has its number. */
  readonly number: number;
  /** Whether this one writes the banner: no worker before it has done so. */
  readonly writesBanner: boolean;
  /** The file with the process id of the supervisor's Redis, if it has one. */
  readonly redisPidFile: string | undefined;
  /** Sends a message to the supervisor. Never throws: without a supervisor this process ends. */
  send(topic: WorkerTopic, body: unknown): void;
  /** Calls `listener` with each message of a topic; those that came before the call at once. */
  listen(topic: WorkerTopic, listener: (body: unknown) => void): void;
}

/** What supervisor and workers talk about. Each topic's types are with the code that handles it. */
export const WORKER_TOPICS = ['life', 'model', 'metrics'] as const;
export type WorkerTopic = (typeof WORKER_TOPICS)[number];

/** One message between supervisor and worker. */
export const supervisorMessageSchema = z.object({ topic: z.enum(WORKER_TOPICS), body: z.unknown() });
export type SupervisorMessage = z.infer<typeof supervisorMessageSchema>;

/** The variable in which a worker gets its role. It is no setting, and is removed once read. */
export const WORKER_ROLE = 'CHILL_SPACE_WORKER';

const roleSchema = z.object({
  number: z.int().min(1),
  writesBanner: z.boolean(),
  redisPidFile: z.string().optional(),
});
export type WorkerRole = z.infer<typeof roleSchema>;

/** This process as a worker; undefined in a server by itself, and in the supervisor. */
export function workerProcess(): WorkerProcess | undefined {
  return singleton('worker-process', readRole);
}

function readRole(): WorkerProcess | undefined {
  const text = process.env[WORKER_ROLE];
  delete process.env[WORKER_ROLE];
  if (text === undefined || process.send === undefined) return undefined;
  return new SupervisedProcess(roleSchema.parse(JSON.parse(text)));
}

class SupervisedProcess implements WorkerProcess {
  readonly number: number;
  readonly writesBanner: boolean;
  readonly redisPidFile: string | undefined;
  readonly #listeners = new Map<WorkerTopic, (body: unknown) => void>();
  /** Messages that came before their listener. */
  #early: SupervisorMessage[] = [];

  constructor({ number, writesBanner, redisPidFile }: WorkerRole) {
    this.number = number;
    this.writesBanner = writesBanner;
    this.redisPidFile = redisPidFile;
    process.on('message', (message) => {
      const parsed = supervisorMessageSchema.safeParse(message);
      if (parsed.success) this.#receive(parsed.data);
    });
  }

  send(topic: WorkerTopic, body: unknown): void {
    if (!process.connected) return;
    const message: SupervisorMessage = { topic, body };
    // A channel that is closed ends this process by itself.
    process.send?.(message, undefined, undefined, () => {});
  }

  listen(topic: WorkerTopic, listener: (body: unknown) => void): void {
    this.#listeners.set(topic, listener);
    const early = this.#early;
    this.#early = early.filter((message) => message.topic !== topic);
    for (const message of early) if (message.topic === topic) listener(message.body);
  }

  #receive(message: SupervisorMessage): void {
    const listener = this.#listeners.get(message.topic);
    if (listener === undefined) this.#early.push(message);
    else listener(message.body);
  }
}
