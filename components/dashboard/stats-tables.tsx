import { Badge } from '#components/ui/badge';
import { DataTable, numeric, row, text } from '#components/ui/data-table';
import { formatCount, formatDuration, formatPercent, formatPercentiles } from '#lib/browser/format';
import { findLanguageInfo } from '#lib/languages/infos';
import type { CacheStats, ServerStats } from '#lib/wire/server-stats';
import { RUN_OUTCOMES } from '../code-run/run-outcomes.ts';
import { DASHBOARD_STRINGS } from './strings.ts';

/** All figures of `/api/cache-stats`, in tables. */
interface TableProps {
  stats: ServerStats;
}

const { tables: STRINGS } = DASHBOARD_STRINGS;
const VALUE_COLUMNS = [text(''), numeric(STRINGS.value)];

export function LatencyTable({ stats: { latency, runner } }: TableProps) {
  return (
    <DataTable
      framed
      title={STRINGS.latency}
      columns={[text(''), ...['p50', 'p95', 'p99'].map(numeric)]}
      rows={[
        row(STRINGS.firstToken, ...formatPercentiles(latency.first_token_ms)),
        row(STRINGS.total, ...formatPercentiles(latency.total_ms)),
        row(STRINGS.codeRun, ...formatPercentiles(runner.duration_ms)),
      ]}
    />
  );
}

/** The embeddings have a column once any were requested. */
export function CacheTable({ stats }: TableProps) {
  const { response_cache: responses, conversation_cache: conversations, embedding_cache: embeddings } = stats;
  const caches: [string, CacheStats][] = [
    [STRINGS.responses, responses],
    [STRINGS.conversations, conversations],
  ];
  if (embeddings.total_entries + embeddings.hits + embeddings.misses > 0) caches.push([STRINGS.embeddings, embeddings]);
  return (
    <DataTable
      framed
      title={STRINGS.caches}
      columns={[text(''), ...caches.map(([name]) => numeric(name))]}
      rows={CACHE_ROWS.map(([name, cell]) => row(name, ...caches.map(([, cache]) => cell(cache))))}
    />
  );
}

export function RequestTable({ stats: { batch_processor: batch } }: TableProps) {
  return (
    <DataTable
      title={STRINGS.requests}
      columns={VALUE_COLUMNS}
      rows={[
        row(STRINGS.chatRequests, formatCount(batch.total_requests)),
        row(STRINGS.cacheHits, STRINGS.share(formatCount(batch.cached_responses), batch.cache_hit_rate)),
        row(STRINGS.coalesced, STRINGS.share(formatCount(batch.deduplicated_requests), batch.deduplication_rate)),
        row(STRINGS.batches, formatCount(batch.batches_processed)),
        row(STRINGS.averageBatch, batch.average_batch_size.toFixed(1)),
      ]}
    />
  );
}

export function ServerTable({ stats }: TableProps) {
  const { process, runner, queue_length: queued, is_processing: busy, scope } = stats;
  const isCluster = scope === 'cluster';
  return (
    <DataTable
      title={isCluster ? DASHBOARD_STRINGS.instances.all : STRINGS.server}
      columns={VALUE_COLUMNS}
      rows={[
        // Those of each instance are in its row.
        ...(isCluster
          ? []
          : [
              row(STRINGS.version, process.version),
              row(STRINGS.uptime, formatDuration(process.uptime_seconds * 1000)),
              row(STRINGS.memory, `${formatCount(process.rss_mb)} MB`),
            ]),
        row(STRINGS.model, busy ? STRINGS.modelRunning : STRINGS.modelIdle),
        row(STRINGS.queuedChats, formatCount(queued)),
        row(STRINGS.codeRunning, STRINGS.ofMost(formatCount(runner.active), formatCount(runner.max_concurrent))),
        row(STRINGS.queuedCode, formatCount(runner.waiting)),
      ]}
    />
  );
}

export function CodeRunTable({ stats: { runner } }: TableProps) {
  return (
    <DataTable
      title={STRINGS.codeRuns}
      note={STRINGS.codeRunsNote(formatCount(runner.total_runs), runner.sandbox)}
      columns={[text(STRINGS.language), text(STRINGS.outcome), numeric(STRINGS.runs)]}
      rows={runner.runs.map(({ language, status, count: times }) => {
        const outcome = OUTCOMES.get(status);
        return {
          key: `${language} ${status}`,
          cells: [
            findLanguageInfo(language)?.name ?? language,
            <Badge key="outcome" tone={outcome?.tone ?? 'neutral'}>
              {outcome?.word ?? status}
            </Badge>,
            formatCount(times),
          ],
        };
      })}
      empty={STRINGS.noRuns}
    />
  );
}

/** By the status in the statistics, which a later server may extend. */
const OUTCOMES = new Map(Object.entries(RUN_OUTCOMES));

const CACHE_ROWS: readonly [string, (cache: CacheStats) => string][] = [
  [STRINGS.entries, (cache) => formatCount(cache.total_entries)],
  [
    STRINGS.used,
    (cache) => STRINGS.megabytes(formatCount(cache.total_size_mb), formatPercent(cache.memory_usage_percent / 100)),
  ],
  [STRINGS.hitRate, (cache) => (cache.hits + cache.misses === 0 ? '–' : formatPercent(cache.hit_rate))],
  [STRINGS.hits, (cache) => formatCount(cache.hits)],
  [STRINGS.misses, (cache) => formatCount(cache.misses)],
  [STRINGS.evictions, (cache) => formatCount(cache.evictions)],
  [
    STRINGS.inDatabase,
    ({ persisted }) =>
      persisted === undefined
        ? '–'
        : STRINGS.entriesAndSize(formatCount(persisted.entries), formatCount(persisted.size_mb)),
  ],
];
