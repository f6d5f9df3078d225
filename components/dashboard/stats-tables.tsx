import { Badge, type Tone } from '#components/ui/badge';
import { DataTable, type RowData, row } from '#components/ui/data-table';
import { formatCount, formatDuration, formatPercent, formatPercentiles } from '#lib/browser/format';
import type { CacheStats, ServerStats } from '#lib/wire/server-stats';

/** All figures of `/api/cache-stats`. */
export function StatsTables({ stats }: { stats: ServerStats }) {
  return (
    <>
      <DataTable
        title="Latency"
        columns={['', 'p50', 'p95', 'p99']}
        rows={[
          row('First token', ...formatPercentiles(stats.latency.first_token_ms)),
          row('Whole answer', ...formatPercentiles(stats.latency.total_ms)),
          row('Code run', ...formatPercentiles(stats.runner.duration_ms)),
        ]}
      />
      <DataTable
        title="Caches"
        columns={['', 'Responses', 'Conversations']}
        rows={CACHE_ROWS.map(([name, cell]) => row(name, cell(stats.response_cache), cell(stats.conversation_cache)))}
      />
      <DataTable title="Requests" columns={['', 'Value']} rows={requestRows(stats)} />
      <DataTable title="Server" columns={['', 'Value']} rows={serverRows(stats)} />
      <DataTable
        title="Code runs"
        note={`${formatCount(stats.runner.total_runs)} in all; sandbox: ${stats.runner.sandbox}`}
        columns={['Language', 'Outcome', 'Runs']}
        rows={stats.runner.runs.map(({ language, status, count: times }) => ({
          key: `${language} ${status}`,
          cells: [
            language,
            <Badge key="outcome" tone={STATUS_TONES[status] ?? 'neutral'}>
              {status.replaceAll('_', ' ')}
            </Badge>,
            formatCount(times),
          ],
        }))}
        empty="No program was run since the server began."
      />
    </>
  );
}

const STATUS_TONES: Record<string, Tone> = {
  success: 'good',
  runtime_error: 'error',
  compile_error: 'error',
  internal_error: 'error',
  timeout: 'warn',
  memory_limit: 'warn',
  output_limit: 'warn',
  killed: 'warn',
};

const CACHE_ROWS: readonly [string, (cache: CacheStats) => string][] = [
  ['Entries', (cache) => formatCount(cache.total_entries)],
  ['Size', (cache) => `${formatCount(cache.total_size_mb)} MB`],
  ['Of its bound', (cache) => formatPercent(cache.memory_usage_percent / 100)],
  ['Hit rate', (cache) => (cache.hits + cache.misses === 0 ? '–' : formatPercent(cache.hit_rate))],
  ['Miss rate', (cache) => (cache.hits + cache.misses === 0 ? '–' : formatPercent(cache.miss_rate))],
  ['Hits', (cache) => formatCount(cache.hits)],
  ['Misses', (cache) => formatCount(cache.misses)],
  ['Evictions', (cache) => formatCount(cache.evictions)],
];

function requestRows({ batch_processor: batch }: ServerStats): RowData[] {
  return [
    row('Chat requests', formatCount(batch.total_requests)),
    row('Answered from the cache', `${formatCount(batch.cached_responses)} (${batch.cache_hit_rate}%)`),
    row('Joined a running answer', `${formatCount(batch.deduplicated_requests)} (${batch.deduplication_rate}%)`),
    row('Batches released', formatCount(batch.batches_processed)),
    row('Requests in a batch, on average', batch.average_batch_size.toFixed(1)),
  ];
}

function serverRows({ process, runner, queue_length: waiting, is_processing: busy }: ServerStats): RowData[] {
  return [
    row('Version', process.version),
    row('Running for', formatDuration(process.uptime_seconds * 1000)),
    row('Memory', `${formatCount(process.rss_mb)} MB`),
    row('Chat requests that wait', formatCount(waiting)),
    row('The model', busy ? 'at work' : 'idle'),
    row('Code runs now', `${formatCount(runner.active)} of ${formatCount(runner.max_concurrent)}`),
    row('Code runs that wait', formatCount(runner.waiting)),
  ];
}
