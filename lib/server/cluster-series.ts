import { cluster } from '#lib/cluster/cluster';
import type { InstanceFigures } from '#lib/cluster/figures';
import { sumOfLines } from '#lib/cluster/lines';
import { instanceReading } from '#lib/server/instance-figures';
import { percentilesOf } from '#lib/telemetry/percentiles';
import { SECOND_MS } from '#lib/units';
import type { ServerSeries } from '#lib/wire/stats-history';

/** Points of the time series over all servers. */

/** The servers as they are known at a moment, by their id. */
export interface ClusterReading {
  /** By the clock of Redis, as the starts of servers. */
  readonly at: number;
  readonly servers: ReadonlyMap<string, InstanceFigures>;
}

type Series = NonNullable<InstanceFigures['series']>;
type Counter = Exclude<keyof Series, 'windows'>;

/** This server now, and the others as last read. Throws without a cluster. */
export function readCluster(): ClusterReading {
  const joined = cluster();
  if (joined === undefined) throw new Error('this server shares nothing');
  return readingOf(joined.figures.latest(instanceReading()));
}

/** `all` begins with this server. */
export function readingOf(all: readonly [InstanceFigures, ...InstanceFigures[]]): ClusterReading {
  return { at: all[0].head.at, servers: new Map(all.map((one) => [one.head.id, one])) };
}

/**
 * The interval between two readings. A server counts from the moment on at which it is known, or
 * from its start if that is within the interval; one that has ended has no part in the interval.
 */
export function clusterPoint(
  before: ClusterReading,
  after: ClusterReading,
  seconds: number,
): Record<keyof ServerSeries, number> {
  const now = [...after.servers.values()];
  const [own, ...others] = now;
  const intervals = now.flatMap(({ head, series }) => {
    if (series === undefined) return [];
    const known = before.servers.get(head.id)?.series;
    if (known === undefined && head.startedAt < before.at) return [];
    return [{ from: known, to: series }];
  });
  const change = (counter: Counter) =>
    intervals.reduce((sum, { from, to }) => sum + Math.max(0, to[counter] - (from?.[counter] ?? 0)), 0);
  const percentiles = (name: keyof Series['windows']) =>
    percentilesOf(
      Float64Array.from(intervals.flatMap(({ from, to }) => newest(to.windows[name], from?.windows[name]))),
    );
  const gauge = (name: 'running' | 'codeRunning' | 'codeWaiting' | 'rssMb') =>
    now.reduce((sum, { head }) => sum + head[name], 0);
  const [failed, hits] = [change('failed'), change('hits')];
  const [firstToken, total, code] = [percentiles('firstToken'), percentiles('total'), percentiles('code')];
  return {
    requests_per_second: change('requests') / seconds,
    tokens_per_second: change('tokens') / seconds,
    code_runs_per_second: change('codeRuns') / seconds,
    running: gauge('running'),
    queued: own === undefined ? 0 : sumOfLines(own, others, ({ head }) => head.waiting),
    code_running: gauge('codeRunning'),
    code_queued: gauge('codeWaiting'),
    first_token_p50_ms: firstToken.p50 ?? Number.NaN,
    first_token_p95_ms: firstToken.p95 ?? Number.NaN,
    total_p50_ms: total.p50 ?? Number.NaN,
    total_p95_ms: total.p95 ?? Number.NaN,
    code_p50_ms: code.p50 ?? Number.NaN,
    code_p95_ms: code.p95 ?? Number.NaN,
    error_rate: failed / (failed + hits + change('completed')),
    failed_per_second: failed / seconds,
    cancelled_per_second: change('cancelled') / seconds,
    cache_hit_rate: hits / change('lookups'),
    rss_mb: gauge('rssMb'),
    cpu_percent: (100 * change('cpuMs')) / (seconds * SECOND_MS),
  };
}

/** The values of a window that were added since another look at it. */
function newest({ total, values }: Series['windows']['total'], known: Series['windows']['total'] | undefined) {
  const count = Math.min(values.length, total - (known?.total ?? 0));
  return count <= 0 ? [] : values.slice(-count);
}
