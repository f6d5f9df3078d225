import type { MetricsOrder, MetricsReport } from '#lib/server/workers/messages';
import type { WorkerExposition } from '#lib/telemetry/merge-expositions';

/** A busy worker may take a while; Prometheus waits for 10 s. */
const TIMEOUT_MS = 2_000;

/** A worker that runs, as the collector sees it. */
export interface MetricsSource {
  readonly number: number;
  sendMetrics(order: MetricsOrder): void;
}

interface Collection {
  readonly waiting: Set<MetricsSource>;
  readonly collected: WorkerExposition[];
  readonly end: () => void;
}

/** The supervisor's part of `/api/metrics`: asks all other workers for theirs. */
export class MetricsCollector {
  readonly #running = new Map<number, Collection>();
  #lastId = 0;

  receive(from: MetricsSource, report: MetricsReport, all: readonly MetricsSource[]): void {
    if (report.type === 'collect') this.#collect(from, report.id, all);
    else this.#add(from, report.id, report.text);
  }

  /** No response of a worker that has ended is waited for. */
  drop(source: MetricsSource): void {
    for (const collection of this.#running.values()) settle(collection, source);
  }

  #collect(asking: MetricsSource, id: number, all: readonly MetricsSource[]): void {
    const own = ++this.#lastId;
    const others = all.filter((source) => source !== asking);
    const collected: WorkerExposition[] = [];
    const end = () => {
      if (!this.#running.delete(own)) return;
      clearTimeout(timer);
      asking.sendMetrics({ type: 'collected', id, others: collected });
    };
    const timer = setTimeout(end, TIMEOUT_MS);
    this.#running.set(own, { waiting: new Set(others), collected, end });
    if (others.length === 0) end();
    for (const source of others) source.sendMetrics({ type: 'read', id: own });
  }

  #add(from: MetricsSource, id: number, text: string): void {
    const collection = this.#running.get(id);
    if (collection === undefined || !collection.waiting.has(from)) return;
    collection.collected.push({ worker: from.number, text });
    settle(collection, from);
  }
}

function settle({ waiting, end }: Collection, source: MetricsSource): void {
  waiting.delete(source);
  if (waiting.size === 0) end();
}
