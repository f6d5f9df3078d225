import { z } from 'zod';
import { sumOfLines } from '#lib/cluster/lines';
import { PERCENTILE_WINDOW, percentilesOf } from '#lib/telemetry/percentiles';
import type {
  BatchStats,
  CacheStats,
  InstanceStats,
  ModelServerStats,
  Percentiles,
  RunnerStats,
  ServerStats,
} from '#lib/wire/server-stats';
import { serverStatsSchema } from '#lib/wire/server-stats';

/**
 * Figures of instances, and their sums. Counts are summed, percentiles are those of all windows
 * together, and what is one thing for all instances is not summed (`sumOfLines`).
 */

const count = z.number().nonnegative();

/** What stands in the list of instances, and what the line of an instance has. */
const headSchema = z.object({
  id: z.string().min(1).max(64),
  name: z.string().min(1).max(300),
  version: z.string().max(64),
  /** When the figures were taken, by the clock of Redis. */
  at: z.number(),
  startedAt: z.number(),
  isStopping: z.boolean(),
  /** Whose waiting line its figures are of. */
  line: z.enum(['instance', 'cluster']),
  requests: count,
  running: count,
  waiting: count,
  codeRunning: count,
  codeWaiting: count,
  rssMb: count,
});

/** A window of the newest values, and how many there were since the start. */
const windowSchema = z.object({ total: count, values: z.array(z.number()).max(PERCENTILE_WINDOW) });

/** Counters since the start of an instance, of which rates are made. */
const seriesSchema = z.object({
  requests: count,
  lookups: count,
  hits: count,
  completed: count,
  failed: count,
  cancelled: count,
  tokens: count,
  codeRuns: count,
  cpuMs: count,
  windows: z.object({ firstToken: windowSchema, total: windowSchema, code: windowSchema }),
});

/** An instance of another version may have other statistics: it is listed, and not summed. */
export const instanceFiguresSchema = z.object({
  head: headSchema,
  series: seriesSchema.optional().catch(undefined),
  stats: serverStatsSchema.omit({ scope: true, instances: true }).optional().catch(undefined),
});
export type InstanceFigures = z.infer<typeof instanceFiguresSchema>;
export type FiguresHead = InstanceFigures['head'];
export type FiguresSeries = NonNullable<InstanceFigures['series']>;
type Windows = FiguresSeries['windows'];

/** What an instance knows of itself; the rest is the cluster's. */
export interface OwnFigures {
  readonly head: Omit<FiguresHead, 'id' | 'name' | 'version' | 'at' | 'startedAt'>;
  readonly series: FiguresSeries;
  readonly stats: ServerStats;
}

/** What of other instances was read. */
export interface OtherFigures {
  readonly alive: readonly InstanceFigures[];
  /** Instances without figures for some seconds, that did not say that they stop. */
  readonly lost: readonly FiguresHead[];
}

type WithStats = InstanceFigures & { readonly stats: NonNullable<InstanceFigures['stats']> };
/** Those of an instance of a version with the same statistics. */
export type CompleteFigures = WithStats & { readonly series: FiguresSeries };

/** The statistics of all instances together; `process` stays that of `own`. */
export function mergeStats(own: CompleteFigures, { alive, lost }: OtherFigures): ServerStats {
  const others = alive.filter(isComplete);
  const all = [own, ...others];
  const stats = all.map((one) => one.stats);
  const joined = (name: keyof Windows) => joinedPercentiles(all.map(({ series }) => series.windows[name].values));
  return {
    timestamp: own.stats.timestamp,
    response_cache: mergeCaches(stats.map((one) => one.response_cache)),
    conversation_cache: mergeCaches(stats.map((one) => one.conversation_cache)),
    embedding_cache: mergeCaches(stats.map((one) => one.embedding_cache)),
    batch_processor: mergeBatches(stats.map((one) => one.batch_processor)),
    queue_length: sumOfLines(own, others, (one) => one.stats.queue_length),
    is_processing: stats.some((one) => one.is_processing),
    latency: { first_token_ms: joined('firstToken'), total_ms: joined('total') },
    runner: mergeRunners(
      stats.map((one) => one.runner),
      joined('code'),
    ),
    process: own.stats.process,
    model_servers: mergeModelServers(own, others),
    scope: 'cluster',
    instances: listInstances(own, alive, lost),
  };
}

/** The statistics of an instance that cannot ask for the others. */
export function statsAlone(own: WithStats): ServerStats {
  return { ...own.stats, scope: 'instance', instances: listInstances(own, [], []) };
}

function isComplete(one: InstanceFigures): one is CompleteFigures {
  return one.stats !== undefined && one.series !== undefined;
}

/** By name. An instance is not listed as lost once one of its name is back. */
function listInstances(
  own: InstanceFigures,
  alive: readonly InstanceFigures[],
  lost: readonly FiguresHead[],
): InstanceStats[] {
  const names = new Set([own, ...alive].map(({ head }) => head.name));
  const newest = new Map(lost.toSorted((one, other) => one.at - other.at).map((head) => [head.name, head]));
  return [
    instanceStats(own.head, true),
    ...alive.map(({ head }) => instanceStats(head, false)),
    ...[...newest.values()]
      .filter(({ name }) => !names.has(name))
      .map((head) => ({ ...instanceStats(head, false), state: 'lost' as const, running: 0, waiting: 0 })),
  ].sort((one, other) => compare(one.name, other.name) || compare(one.id, other.id));
}

function instanceStats(head: FiguresHead, isResponding: boolean): InstanceStats {
  return {
    id: head.id,
    name: head.name,
    version: head.version,
    state: head.isStopping ? 'stopping' : 'ready',
    started_at: new Date(head.startedAt).toISOString(),
    seen_at: new Date(head.at).toISOString(),
    is_responding: isResponding,
    requests: head.requests,
    running: head.running,
    waiting: head.waiting,
    rss_mb: head.rssMb,
  };
}

/** Each instance has the same limit. All have the same database. */
function mergeCaches(caches: readonly CacheStats[]): CacheStats {
  const total = (field: 'total_entries' | 'total_size_mb' | 'hits' | 'misses' | 'evictions' | 'memory_usage_percent') =>
    sum(caches.map((one) => one[field]));
  const [hits, misses] = [total('hits'), total('misses')];
  const rate = (part: number) => (hits + misses === 0 ? 0 : rounded(part / (hits + misses), 4));
  const persisted = caches.flatMap((one) => one.persisted ?? []);
  return {
    total_entries: total('total_entries'),
    total_size_mb: rounded(total('total_size_mb'), 4),
    hit_rate: rate(hits),
    miss_rate: rate(misses),
    memory_usage_percent: rounded(total('memory_usage_percent') / caches.length, 2),
    hits,
    misses,
    evictions: total('evictions'),
    ...(persisted.length === 0
      ? {}
      : {
          persisted: {
            entries: Math.max(...persisted.map((one) => one.entries)),
            size_mb: Math.max(...persisted.map((one) => one.size_mb)),
            hits: sum(persisted.map((one) => one.hits)),
          },
        }),
  };
}

function mergeBatches(batches: readonly BatchStats[]): BatchStats {
  const total = (field: 'total_requests' | 'cached_responses' | 'deduplicated_requests' | 'batches_processed') =>
    sum(batches.map((one) => one[field]));
  const requests = total('total_requests');
  const processed = total('batches_processed');
  const inBatches = sum(batches.map((one) => one.average_batch_size * one.batches_processed));
  const percent = (part: number) => (requests === 0 ? 0 : Math.round((100 * part) / requests));
  return {
    total_requests: requests,
    cached_responses: total('cached_responses'),
    deduplicated_requests: total('deduplicated_requests'),
    batches_processed: processed,
    average_batch_size: processed === 0 ? 0 : rounded(inBatches / processed, 1),
    cache_hit_rate: percent(total('cached_responses')),
    deduplication_rate: percent(total('deduplicated_requests')),
  };
}

function mergeRunners(runners: readonly RunnerStats[], durations: Percentiles): RunnerStats {
  const total = (field: 'active' | 'waiting' | 'max_concurrent' | 'total_runs') =>
    sum(runners.map((one) => one[field]));
  const runs = grouped(
    runners.flatMap((one) => one.runs),
    ({ language, status }) => `${language}\n${status}`,
  );
  const warm = grouped(
    runners.flatMap((one) => one.warm),
    ({ name }) => name,
  );
  return {
    sandbox: [...new Set(runners.map(({ sandbox }) => sandbox))].join(', '),
    active: total('active'),
    waiting: total('waiting'),
    max_concurrent: total('max_concurrent'),
    total_runs: total('total_runs'),
    runs: runs.map(([first, ...rest]) => ({ ...first, count: first.count + sum(rest.map((one) => one.count)) })),
    duration_ms: durations,
    warm: warm.map((same) => ({
      name: same[0].name,
      waiting: sum(same.map((one) => one.waiting)),
      resident_kb: sum(same.map((one) => one.resident_kb)),
    })),
  };
}

/** In the order of `own`. A server is up as long as an instance reaches it. */
function mergeModelServers(own: CompleteFigures, others: readonly CompleteFigures[]): ModelServerStats[] {
  const all = [own, ...others];
  const ids = new Set(all.flatMap(({ stats }) => stats.model_servers ?? []).map(({ id }) => id));
  const at = (one: CompleteFigures, id: string) => one.stats.model_servers?.find((server) => server.id === id);
  return [...ids].flatMap((id) => {
    const seen = all.flatMap((one) => at(one, id) ?? []);
    const reached = seen.find(({ state }) => state === 'up');
    const first = reached ?? seen[0];
    if (first === undefined) return [];
    return {
      ...first,
      slots: sumOfLines(own, others, (one) => at(one, id)?.slots ?? 0),
      running: sum(seen.map(({ running }) => running)),
      waiting: sumOfLines(own, others, (one) => at(one, id)?.waiting ?? 0),
      loaded: [...new Set(seen.flatMap(({ loaded }) => loaded))],
      models: largest(seen.map(({ models }) => models)),
      average_ms: mean(
        seen.map(({ average_ms: average }) => average),
        0,
      ),
      tokens_per_second: mean(
        seen.map(({ tokens_per_second: rate }) => rate),
        1,
      ),
    };
  });
}

function joinedPercentiles(windows: readonly (readonly number[])[]): Percentiles {
  return percentilesOf(Float64Array.from(windows.flat()));
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): [T, ...T[]][] {
  const groups = new Map<string, [T, ...T[]]>();
  for (const item of items) {
    const known = groups.get(keyOf(item));
    if (known === undefined) groups.set(keyOf(item), [item]);
    else known.push(item);
  }
  return [...groups.values()];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function mean(values: readonly (number | null)[], decimals: number): number | null {
  const measured = values.filter((value) => value !== null);
  return measured.length === 0 ? null : rounded(sum(measured) / measured.length, decimals);
}

function largest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

function rounded(value: number, decimals: number): number {
  const scale = 10 ** decimals;
  return Math.round(value * scale) / scale;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
