import { describe, expect, it } from 'vitest';
import { instanceFiguresSchema, mergeStats, statsAlone } from '#lib/cluster/figures';
import { sumOfLines } from '#lib/cluster/lines';
import {
  cacheStats,
  figureHead,
  figureSeries,
  figuresOf,
  modelServerStats,
} from '../../test/support/instance-figures.ts';

const merge = (...[own = figuresOf('one'), ...alive]: ReturnType<typeof figuresOf>[]) =>
  mergeStats(own, { alive, lost: [] });
const window = (...values: number[]) => ({ total: values.length, values });
const windows = (firstToken: number[]) =>
  figureSeries({ windows: { firstToken: window(...firstToken), total: window(), code: window() } });

describe('the statistics of all instances', () => {
  it('sum counts, and make rates of the sums', () => {
    const batch = (total: number, cached: number, batches: number, average: number) => ({
      ...{ total_requests: total, cached_responses: cached, deduplicated_requests: 1, batches_processed: batches },
      ...{ average_batch_size: average, cache_hit_rate: 0, deduplication_rate: 0 },
    });
    const one = figuresOf('one', {
      stats: {
        response_cache: cacheStats({
          total_entries: 3,
          total_size_mb: 0.5,
          hits: 1,
          misses: 9,
          memory_usage_percent: 4,
        }),
        batch_processor: batch(10, 1, 1, 1),
      },
    });
    const two = figuresOf('two', {
      stats: {
        response_cache: cacheStats({ total_entries: 1, total_size_mb: 0.25, hits: 29, misses: 1, evictions: 2 }),
        batch_processor: batch(30, 29, 3, 3),
        is_processing: true,
      },
    });
    const stats = merge(one, two);
    expect(stats.response_cache).toEqual(
      cacheStats({
        ...{ total_entries: 4, total_size_mb: 0.75, hits: 30, misses: 10, evictions: 2 },
        ...{ hit_rate: 0.75, miss_rate: 0.25, memory_usage_percent: 2 },
      }),
    );
    expect(stats.batch_processor).toEqual({
      ...{ total_requests: 40, cached_responses: 30, deduplicated_requests: 2, batches_processed: 4 },
      ...{ average_batch_size: 2.5, cache_hit_rate: 75, deduplication_rate: 5 },
    });
    expect(stats.is_processing).toBe(true);
  });

  it('have percentiles of all windows together, which no mean of percentiles is', () => {
    const slow = figuresOf('one', { series: windows([1_000]) });
    const quick = figuresOf('two', { series: windows(Array.from({ length: 99 }, () => 10)) });
    expect(merge(slow, quick).latency.first_token_ms).toEqual({ p50: 10, p95: 10, p99: 10 });
    const half = figuresOf('two', { series: windows([10, 20, 30]) });
    expect(merge(slow, half).latency.first_token_ms).toEqual({ p50: 20, p95: 1_000, p99: 1_000 });
  });

  it('count what the database has once, and its hits for each', () => {
    const persisted = { entries: 7, size_mb: 2, hits: 3 };
    const one = figuresOf('one', { stats: { response_cache: cacheStats({ persisted }) } });
    const two = figuresOf('two', {
      stats: { response_cache: cacheStats({ persisted: { ...persisted, entries: 8 } }) },
    });
    expect(merge(one, two).response_cache.persisted).toEqual({ entries: 8, size_mb: 2, hits: 6 });
    expect(merge().response_cache).not.toHaveProperty('persisted');
  });

  it('sum programs by language and outcome, and warm sandboxes by their template', () => {
    const runner = (count: number, waiting: number) => ({
      ...figuresOf('any').stats.runner,
      ...{ active: 1, total_runs: count, runs: [{ language: 'python', status: 'success', count }] },
      warm: [{ name: 'python', waiting, resident_kb: 10 }],
    });
    const all = merge(
      figuresOf('one', { stats: { runner: runner(2, 1) } }),
      figuresOf('two', {
        stats: {
          runner: { ...runner(3, 2), runs: [...runner(3, 2).runs, { language: 'go', status: 'timeout', count: 1 }] },
        },
      }),
    );
    expect(all.runner).toMatchObject({
      ...{ sandbox: 'bubblewrap', active: 2, max_concurrent: 4, total_runs: 5 },
      runs: [
        { language: 'python', status: 'success', count: 5 },
        { language: 'go', status: 'timeout', count: 1 },
      ],
      warm: [{ name: 'python', waiting: 3, resident_kb: 20 }],
    });
  });

  it('have the process of the instance that responds', () => {
    const own = { rss_mb: 1, uptime_seconds: 2, version: 'own' };
    expect(merge(figuresOf('one', { stats: { process: own } }), figuresOf('two')).process).toEqual(own);
  });

  it('sum what runs at a model server, which is up while one instance reaches it', () => {
    const at = (fields: Partial<ReturnType<typeof modelServerStats>>) => ({
      stats: { model_servers: [modelServerStats(fields)] },
    });
    const [server, other] =
      merge(
        figuresOf('one', at({ state: 'down', error: 'Refused.', running: 0, average_ms: 100 })),
        figuresOf('two', at({ running: 2, waiting: 3, loaded: ['m'], average_ms: 200, tokens_per_second: 5 })),
        figuresOf('three', at({ id: 'b', name: 'gpu-b', models: null })),
      ).model_servers ?? [];
    expect(server).toEqual(
      modelServerStats({
        ...{ state: 'up', error: null, slots: 4, running: 2, waiting: 3, loaded: ['m'] },
        ...{ average_ms: 150, tokens_per_second: 5 },
      }),
    );
    expect(other).toMatchObject({ id: 'b', slots: 2, models: null, average_ms: null });
  });
});

describe('the figures of the waiting line', () => {
  const one = (line: 'instance' | 'cluster', length: number) =>
    figuresOf(`${line} ${length}`, {
      head: { line },
      stats: { queue_length: length, model_servers: [modelServerStats({ slots: 2, waiting: length })] },
    });
  const lengths = (...all: [ReturnType<typeof figuresOf>, ...ReturnType<typeof figuresOf>[]]) => {
    const { queue_length, model_servers = [] } = merge(...all);
    return [queue_length, model_servers[0]?.waiting, model_servers[0]?.slots];
  };

  it('are summed as long as instances have separate lines', () => {
    expect(lengths(one('instance', 3), one('instance', 4), one('instance', 0))).toEqual([7, 7, 6]);
  });

  it('count once when all share one line, as the instance that responds knows it', () => {
    expect(lengths(one('cluster', 3), one('cluster', 4), one('cluster', 9))).toEqual([3, 3, 2]);
  });

  it('count the shared line once next to those of instances that are still of the version before', () => {
    expect(lengths(one('instance', 1), one('cluster', 4), one('cluster', 5))).toEqual([6, 6, 4]);
    expect(sumOfLines(one('cluster', 4), [one('instance', 1)], ({ stats }) => stats.queue_length)).toBe(5);
  });
});

describe('the list of instances', () => {
  it('has all by name, with what each has counted, and says which one responds', () => {
    const head = { requests: 5, running: 1, waiting: 2, rssMb: 123.4, isStopping: true };
    const { instances = [], scope } = merge(figuresOf('b'), figuresOf('a', { head }));
    expect(scope).toBe('cluster');
    expect(instances).toEqual([
      {
        ...{ id: 'a', name: 'a:3000', version: '1.0.0', state: 'stopping', is_responding: false },
        ...{ started_at: '2026-01-01T00:00:00.000Z', seen_at: '2026-01-01T00:01:00.000Z' },
        ...{ requests: 5, running: 1, waiting: 2, rss_mb: 123.4 },
      },
      expect.objectContaining({ id: 'b', state: 'ready', is_responding: true }),
    ]);
  });

  it('has those that are lost, once a name, until an instance of that name is back', () => {
    const lost = [
      figureHead({ id: 'g1', name: 'lost:3000', at: 1, running: 4, requests: 1 }),
      figureHead({ id: 'g2', name: 'lost:3000', at: 2, running: 4, requests: 2 }),
      figureHead({ id: 'old', name: 'two:3000' }),
    ];
    const { instances = [], queue_length } = mergeStats(figuresOf('one'), { alive: [figuresOf('two')], lost });
    expect(instances.map(({ id, state, running }) => [id, state, running])).toEqual([
      ['g2', 'lost', 0],
      ['one', 'ready', 0],
      ['two', 'ready', 0],
    ]);
    expect(queue_length).toBe(0);
  });

  it('has an instance whose statistics are of another shape, and leaves these out of the sums', () => {
    const { head, stats, series } = figuresOf('two', { stats: { queue_length: 4 } });
    const read = instanceFiguresSchema.parse({ head, series, stats: { ...stats, queue_length: 'many' } });
    const merged = mergeStats(figuresOf('one', { stats: { queue_length: 3 } }), { alive: [read], lost: [] });
    expect(merged.queue_length).toBe(3);
    expect(merged.instances?.map(({ id }) => id)).toEqual(['one', 'two']);
  });

  it('has the one instance while Redis is away, whose statistics say so and are its own', () => {
    const own = figuresOf('one', { stats: { queue_length: 3 } });
    const { scope, instances, ...stats } = statsAlone(own);
    expect([scope, instances?.map(({ id }) => id)]).toEqual(['instance', ['one']]);
    expect(stats).toEqual(own.stats);
  });
});
