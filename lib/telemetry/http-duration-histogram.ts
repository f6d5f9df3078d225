/** One route, method and status. */
interface HttpDurationSeries {
  /** The labels in the exposition format: `route="/api/chat",method="POST",status="200"`. */
  labels: string;
  /** Observations per bucket, not cumulative. The last entry counts those above the last bound. */
  counts: Float64Array;
  sum: number;
}

/**
 * A Prometheus histogram that finds its series by nested maps: every request is observed here, and
 * prom-client validates and hashes the labels at each observation
 * (docs/decisions/0014-metrics-registry.md).
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export class HttpDurationHistogram {
  readonly type = 'histogram';
  readonly labelNames = ['route', 'method', 'status'] as const;
  readonly name: string;
  readonly help: string;
  readonly #bounds: readonly number[];
  /** By route, then method, then status. */
  readonly #series = new Map<string, Map<string, Map<number, HttpDurationSeries>>>();

  /** `bounds` are the upper bounds of the buckets in seconds, ascending. */
  constructor(name: string, help: string, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
  }

  /** `route` has bounded cardinality: it is a pattern, not a path. */
  observe(route: string, method: string, status: number, seconds: number): void {
    const series = this.#series.get(route)?.get(method)?.get(status) ?? this.#create(route, method, status);
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && seconds > (bounds[bucket] ?? 0)) bucket += 1;
    series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
    series.sum += seconds;
  }

  /** This metric in the text exposition format, without a newline at the end. */
  exposition(): string {
    const all = [...this.#series.values()].flatMap((methods) => [...methods.values()]);
    const lines = all.flatMap((statuses) => [...statuses.values()].flatMap((series) => this.#linesOf(series)));
    return [`# HELP ${this.name} ${this.help}`, `# TYPE ${this.name} ${this.type}`, ...lines].join('\n');
  }

  /**
   * Buckets are cumulative in the exposition: each counts every observation at or below its bound.
   */
  #linesOf({ labels, counts, sum }: HttpDurationSeries): string[] {
    let count = 0;
    const buckets = Array.from(counts, (added, bucket) => {
      count += added;
      return `${this.name}_bucket{le="${this.#bounds[bucket] ?? '+Inf'}",${labels}} ${count}`;
    });
    return [...buckets, `${this.name}_sum{${labels}} ${sum}`, `${this.name}_count{${labels}} ${count}`];
  }

  #create(route: string, method: string, status: number): HttpDurationSeries {
    const labels = `route="${escapeLabel(route)}",method="${escapeLabel(method)}",status="${status}"`;
    const series: HttpDurationSeries = { labels, counts: new Float64Array(this.#bounds.length + 1), sum: 0 };
    const methods = this.#series.get(route) ?? new Map<string, Map<number, HttpDurationSeries>>();
    const statuses = methods.get(method) ?? new Map<number, HttpDurationSeries>();
    this.#series.set(route, methods.set(method, statuses.set(status, series)));
    return series;
  }
}

function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}
