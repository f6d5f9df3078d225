import { setStatGauges } from '#lib/server/stat-gauges';
import { type MetricsReport, metricsOrderSchema } from '#lib/server/workers/messages';
import { singleton } from '#lib/singletons';
import { mergeExpositions, type WorkerExposition } from '#lib/telemetry/merge-expositions';
import { metrics, metricsExposition } from '#lib/telemetry/metrics';
import { SECOND_MS } from '#lib/units';
import { type WorkerProcess, workerProcess } from '#lib/worker-process';

/** Longer than the supervisor waits for the workers. */
const COLLECT_TIMEOUT_MS = 3 * SECOND_MS;

/**
 * The response of `/api/metrics`: the metrics of this process, or, of one of several workers, those
 * of all. A worker that does not respond is left out.
 */
export async function scrapeMetrics(): Promise<string> {
  const link = metricsLink();
  const own = await readOwn();
  return link === undefined ? own : mergeExpositions(await link.withOthers(own));
}

/** Lets the other workers read the metrics of this one. Does nothing in a server by itself. */
export function shareMetrics(): void {
  metricsLink();
}

async function readOwn(): Promise<string> {
  const all = metrics();
  await setStatGauges(all);
  return await metricsExposition(all);
}

function metricsLink(): MetricsLink | undefined {
  return singleton('metrics-link', () => {
    const self = workerProcess();
    return self === undefined ? undefined : new MetricsLink(self);
  });
}

class MetricsLink {
  readonly #self: WorkerProcess;
  readonly #waiting = new Map<number, (others: readonly WorkerExposition[]) => void>();
  #lastId = 0;

  constructor(self: WorkerProcess) {
    this.#self = self;
    self.listen('metrics', (body) => {
      const order = metricsOrderSchema.parse(body);
      if (order.type === 'read') void this.#send(order.id);
      else this.#waiting.get(order.id)?.(order.others);
    });
  }

  async withOthers(own: string): Promise<WorkerExposition[]> {
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<readonly WorkerExposition[]>();
    this.#waiting.set(id, resolve);
    const timer = setTimeout(resolve, COLLECT_TIMEOUT_MS, []);
    this.#report({ type: 'collect', id });
    const others = await promise;
    clearTimeout(timer);
    this.#waiting.delete(id);
    return [{ worker: this.#self.number, text: own }, ...others].sort((one, other) => one.worker - other.worker);
  }

  async #send(id: number): Promise<void> {
    this.#report({ type: 'read', id, text: await readOwn() });
  }

  #report(report: MetricsReport): void {
    this.#self.send('metrics', report);
  }
}
