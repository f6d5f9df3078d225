import { StatTile, StatusLine } from '#components/ui/stat-tile';
import { formatCount, formatDuration, formatPercent } from '#lib/browser/format';
import type { ServiceStatus } from '#lib/browser/service-status';
import type { ServerStats } from '#lib/wire/server-stats';

/** An operator's first questions: availability, load, speed. */
export function StatTiles({
  stats,
  model,
  runner,
}: {
  stats: ServerStats;
  model: ServiceStatus;
  runner: ServiceStatus;
}) {
  const cache = stats.response_cache;
  const looked = cache.hits + cache.misses;
  const { first_token_ms: firstToken, total_ms: total } = stats.latency;
  const busy = stats.is_processing || stats.queue_length > 0;
  return (
    <div className="grid gap-3 md:grid-cols-3">
      <StatTile
        question="Is it up?"
        value={formatDuration(stats.process.uptime_seconds * 1000)}
        unit="since the server began"
      >
        <StatusLine name="Model" status={model} />
        <StatusLine name="Runner" status={runner} />
      </StatTile>
      <StatTile
        question="Is it full?"
        value={formatCount(stats.queue_length)}
        unit={stats.queue_length === 1 ? 'request waits' : 'requests wait'}
      >
        <li>{busy ? 'The model is at work' : 'The model is idle'}</li>
        <li>
          Code: {stats.runner.active} of {stats.runner.max_concurrent} places taken
          {stats.runner.waiting > 0 ? `, ${stats.runner.waiting} wait` : ''}
        </li>
        <li>
          Cache: {formatCount(cache.total_size_mb)} MB, {formatPercent(cache.memory_usage_percent / 100)} of its bound
        </li>
      </StatTile>
      <StatTile
        question="Is it fast?"
        value={firstToken.p50 === null ? '–' : formatDuration(firstToken.p50)}
        unit={firstToken.p50 === null ? 'no answer was measured yet' : 'to the first token, as a rule'}
      >
        {firstToken.p95 === null ? null : <li>One in twenty takes over {formatDuration(firstToken.p95)}</li>}
        {total.p50 === null ? null : <li>Whole answers take {formatDuration(total.p50)} as a rule</li>}
        <li>
          {looked === 0
            ? 'Nothing was looked up in the cache yet'
            : `${formatPercent(cache.hit_rate)} come from the cache`}
        </li>
      </StatTile>
    </div>
  );
}
