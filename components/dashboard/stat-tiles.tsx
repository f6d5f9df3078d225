import { StatTile, StatusLine } from '#components/ui/stat-tile';
import { TILE_GRIDS } from '#components/ui/stats-skeleton';
import { formatCount, formatDuration, formatPercent, formatRate } from '#lib/browser/format';
import type { ServiceStatus } from '#lib/browser/service-status';
import { type ChartData, recentMean } from '#lib/browser/stats-history';
import type { QueueOverview } from '#lib/wire/chat-queue';
import type { ServerReadiness } from '#lib/wire/health';
import type { ModelServerStats, ServerStats } from '#lib/wire/server-stats';
import type { ServerSeries } from '#lib/wire/stats-history';
import { instancesOf, instancesStatus, isLost } from './instance-facts.ts';
import { serversStatus, slotsOf } from './model-server-facts.ts';
import { serverState } from './server-state.ts';
import { DASHBOARD_STRINGS } from './strings.ts';

const { status, load, trafficTile, latencyTile, instances: ofInstances } = DASHBOARD_STRINGS;
const RECENT_MS = 5 * 60_000;

interface StatTilesProps {
  stats: ServerStats;
  queue: QueueOverview | undefined;
  servers: readonly ModelServerStats[];
  history: ChartData<ServerSeries> | undefined;
  cacheLimitMb: number | undefined;
  model: ServiceStatus;
  runner: ServiceStatus;
  ready: ServerReadiness | undefined;
  /** The figures are old, so nothing is known for sure. */
  isStale: boolean;
}

/** An operator's first look: availability, saturation, traffic with errors, latency. */
export function StatTiles({ stats, queue, servers, history, cacheLimitMb, ...parts }: StatTilesProps) {
  const { isStale } = parts;
  const cache = stats.response_cache;
  const { first_token_ms: firstToken, total_ms: total } = stats.latency;
  const instances = instancesOf(stats);
  const isCluster = stats.scope === 'cluster';
  /** Each instance has its own cache. */
  const alive = isCluster ? Math.max(1, instances.filter((one) => !isLost(one)).length) : 1;
  const { value, lines } = serverState({
    ...parts,
    modelServers: serversStatus(servers),
    instances: instancesStatus(instances),
  });
  // The queue lists what one instance knows.
  const slots = slotsOf(servers, isCluster ? 1 : 2);
  const lookups = cache.hits + cache.misses;
  const uptime = status.uptime(formatDuration(stats.process.uptime_seconds * 1000));
  return (
    <div className={TILE_GRIDS[4]}>
      <StatTile title={status.title} value={value} unit={isStale ? '' : isCluster ? ofInstances.count(alive) : uptime}>
        {lines.map((line) => (
          <StatusLine key={line.name} {...line} />
        ))}
      </StatTile>
      <StatTile title={load.title} value={formatCount(stats.queue_length)} unit={load.unit}>
        <li>
          {queue === undefined && slots === undefined && stats.is_processing
            ? load.busy
            : load.running(slots?.running ?? queue?.processing.length ?? 0, slots?.slots ?? queue?.max_concurrent ?? 1)}
        </li>
        <li>
          {load.code(stats.runner.active, stats.runner.max_concurrent)}
          {stats.runner.waiting > 0 ? load.codeQueued(stats.runner.waiting) : ''}
        </li>
        <li>
          {cacheLimitMb === undefined
            ? load.cacheUsed(formatCount(cache.total_size_mb))
            : load.cache(formatCount(cache.total_size_mb), formatCount(cacheLimitMb * alive))}
        </li>
      </StatTile>
      <TrafficTile history={history} hitRate={lookups === 0 ? undefined : cache.hit_rate} />
      <StatTile
        title={latencyTile.title}
        value={firstToken.p50 === null ? '–' : formatDuration(firstToken.p50)}
        unit={latencyTile.unit}
      >
        {firstToken.p95 === null ? (
          <li>{latencyTile.noData}</li>
        ) : (
          <li>{latencyTile.p95(formatDuration(firstToken.p95))}</li>
        )}
        {total.p50 === null || total.p95 === null ? null : (
          <li>{latencyTile.total(formatDuration(total.p50), formatDuration(total.p95))}</li>
        )}
        {firstToken.p95 === null ? null : <li>{isCluster ? ofInstances.latencyWindow : latencyTile.window}</li>}
      </StatTile>
    </div>
  );
}

function TrafficTile({
  history,
  hitRate,
}: {
  history: ChartData<ServerSeries> | undefined;
  hitRate: number | undefined;
}) {
  const mean = (field: keyof ServerSeries) =>
    history === undefined ? null : recentMean(history.times, history.values[field], RECENT_MS);
  const requests = mean('requests_per_second');
  const tokens = mean('tokens_per_second') ?? 0;
  const failed = mean('failed_per_second') ?? 0;
  return (
    <StatTile title={trafficTile.title} value={requests === null ? '–' : formatRate(requests)} unit={trafficTile.unit}>
      <li>{trafficTile.tokens(formatRate(tokens))}</li>
      <li>
        {requests === null || requests === 0
          ? trafficTile.noRequests
          : trafficTile.errors(formatPercent(Math.min(1, failed / requests)))}
      </li>
      <li>{hitRate === undefined ? trafficTile.noLookups : trafficTile.hits(formatPercent(hitRate))}</li>
    </StatTile>
  );
}
