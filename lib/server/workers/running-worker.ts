import type { Worker } from 'node:cluster';
import type { RelayClient } from '#lib/models/embedded/model-relay';
import type { LifeOrder, MetricsOrder } from '#lib/server/workers/messages';
import type { MetricsSource } from '#lib/server/workers/metrics-collector';
import { type SupervisorMessage, supervisorMessageSchema, type WorkerTopic } from '#lib/worker-process';

/** How a worker ended. */
export interface WorkerEnd {
  readonly code: number | null;
  /** The signal that ended it, or why it could not be started. */
  readonly how: string | undefined;
}

/** One process of a worker, from its start to its end. */
export class RunningWorker implements MetricsSource {
  readonly number: number;
  /** Where the built-in model sends its replies. */
  readonly model: RelayClient = { send: (reply) => this.#send('model', reply) };
  /** Resolves when it serves. */
  readonly listening: Promise<void>;
  readonly ended: Promise<WorkerEnd>;
  readonly startedMs = performance.now();
  readonly #worker: Worker;

  constructor(number: number, worker: Worker, onMessage: (from: RunningWorker, message: SupervisorMessage) => void) {
    this.number = number;
    this.#worker = worker;
    this.listening = new Promise((resolve) => worker.once('listening', () => resolve()));
    this.ended = new Promise((resolve) => {
      worker.once('exit', (code, signal) => resolve({ code, how: signal ?? undefined }));
      worker.on('error', (error) => {
        // A message that could not be sent is an error, too.
        if (worker.process.pid === undefined) resolve({ code: null, how: error.message });
      });
    });
    worker.on('message', (message) => {
      // What it has sent last may come after its end, when its requests have ended.
      if (worker.isDead()) return;
      const parsed = supervisorMessageSchema.safeParse(message);
      if (parsed.success) onMessage(this, parsed.data);
    });
  }

  get pid(): number | undefined {
    return this.#worker.process.pid;
  }

  order(order: LifeOrder): void {
    this.#send('life', order);
  }

  sendMetrics(order: MetricsOrder): void {
    this.#send('metrics', order);
  }

  kill(): void {
    this.#worker.process.kill('SIGKILL');
  }

  #send(topic: WorkerTopic, body: unknown): void {
    if (!this.#worker.isConnected()) return;
    const message: SupervisorMessage = { topic, body };
    // A channel that has closed meanwhile: `ended` resolves soon.
    this.#worker.process.send(message, () => {});
  }
}
