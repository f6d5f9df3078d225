import { Histogram, type LabelValues, type Registry } from 'prom-client';

type HttpDurationLabel = 'route' | 'method' | 'status';

/** What was observed of one route, method and status. */
interface HttpDurationSeries {
  labels: LabelValues<HttpDurationLabel>;
  /** Observations at or below each bound and above the one before it; those above the last bound come last. */
  counts: Float64Array;
  sum: number;
}

/**
 * A histogram that every request is observed in. prom-client's own checks and hashes the labels at each observation, which is a
 * twentieth of a cached answer; here they are looked up. What is exposed is the same.
 */
export class HttpDurationHistogram extends Histogram<HttpDurationLabel> {
  readonly #name: string;
  readonly #help: string;
  readonly #bounds: readonly number[];
  /** By route and method, then by status. */
  readonly #series = new Map<string, Map<string, Map<number, HttpDurationSeries>>>();

  constructor(name: string, help: string, bounds: readonly number[], registry: Registry) {
    super({ name, help, labelNames: ['route', 'method', 'status'], buckets: [...bounds], registers: [registry] });
    this.#name = name;
    this.#help = help;
    this.#bounds = bounds;
  }

  /** One request that took so many seconds. `route` is of bounded cardinality. */
  observeRequest(route: string, method: string, status: number, seconds: number): void {
    const series = this.#series.get(route)?.get(method)?.get(status) ?? this.#begin(route, method, status);
    const bounds = this.#bounds;
    let place = 0;
    while (place < bounds.length && seconds > (bounds[place] ?? 0)) place += 1;
    series.counts[place] = (series.counts[place] ?? 0) + 1;
    series.sum += seconds;
  }

  /** What the registry asks, and `get` too. */
  async getForPromString() {
    const all = [...this.#series.values()].flatMap((methods) => [...methods.values()]);
    const values = all.flatMap((statuses) => [...statuses.values()].flatMap((series) => this.#expose(series)));
    return { name: this.#name, help: this.#help, type: 'histogram', aggregator: 'sum', values };
  }

  /** As Prometheus has it: a bucket counts everything at or below its bound. */
  #expose({ labels: sharedLabels, counts, sum }: HttpDurationSeries) {
    let count = 0;
    const buckets = Array.from(counts, (more, place) => {
      count += more;
      const le = this.#bounds[place] ?? '+Inf';
      return { metricName: `${this.#name}_bucket`, labels: { le }, sharedLabels, value: count };
    });
    return [
      ...buckets,
      { metricName: `${this.#name}_sum`, labels: {}, sharedLabels, value: sum },
      { metricName: `${this.#name}_count`, labels: {}, sharedLabels, value: count },
    ];
  }

  #begin(route: string, method: string, status: number): HttpDurationSeries {
    const labels = { route, method, status: String(status) };
    const series: HttpDurationSeries = { labels, counts: new Float64Array(this.#bounds.length + 1), sum: 0 };
    const methods = this.#series.get(route) ?? new Map<string, Map<number, HttpDurationSeries>>();
    const statuses = methods.get(method) ?? new Map<number, HttpDurationSeries>();
    this.#series.set(route, methods.set(method, statuses.set(status, series)));
    return series;
  }
}
