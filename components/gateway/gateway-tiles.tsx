import { StatTile, StatusLine } from '#components/ui/stat-tile';
import { TILE_GRIDS } from '#components/ui/stats-skeleton';
import { TextWithCode } from '#components/ui/text-with-code';
import { formatCount, formatDuration, formatLatency, formatPercent, formatRate } from '#lib/browser/format';
import type { GatewayStats } from '#lib/wire/gateway';
import { GATEWAY_STRINGS } from './strings.ts';
import { backendStatus } from './use-gateway-stats.ts';

const { status, success, latency } = GATEWAY_STRINGS;

interface GatewayTilesProps {
  stats: GatewayStats;
  perSecond: number | null;
  /** The figures are old, so nothing is known for sure. */
  isStale: boolean;
}

/** An operator's first look: availability, errors, latency. */
export function GatewayTiles({ stats, perSecond, isStale }: GatewayTilesProps) {
  const { backends, requests, recent, web_sockets } = stats;
  const { p50, p95, p99 } = recent.latency_ms;
  const waiting = backends.reduce((sum, backend) => sum + backend.waiting, 0);
  const up = backends.filter(({ state }) => state === 'up').length;
  return (
    <div className={TILE_GRIDS[3]}>
      <StatTile
        title={status.title}
        value={status.states[isStale ? 'unknown' : stats.state]}
        unit={status.up(up, backends.length)}
      >
        {backends.map((backend) => (
          <StatusLine
            key={backend.id}
            name={status.backend}
            status={isStale ? { ...backendStatus(backend), level: 'unknown' } : backendStatus(backend)}
          />
        ))}
        <li>
          <TextWithCode text={stats.has_token ? status.tokenSet : status.tokenMissing} />
        </li>
      </StatTile>
      <StatTile
        title={success.title}
        value={recent.requests === 0 ? '–' : formatPercent(1 - recent.error_rate)}
        unit={recent.requests === 0 ? success.noData : success.unit(formatCount(recent.requests))}
      >
        <li>
          {success.total(formatCount(requests.total))}
          {perSecond === null ? '' : ` · ${success.rate(formatRate(perSecond))}`}
        </li>
        <li>{requests.failed === 0 ? success.noneFailed : success.failed(formatCount(requests.failed))}</li>
        <li>
          {success.open(formatCount(requests.active), formatCount(web_sockets.open))}
          {waiting > 0 ? success.waiting(formatCount(waiting)) : ''}
        </li>
      </StatTile>
      <StatTile title={latency.title} value={p50 === null ? '–' : formatLatency(p50)} unit={latency.unit}>
        {p95 === null ? <li>{latency.noData}</li> : <li>{latency.p95(formatLatency(p95))}</li>}
        {p99 === null ? null : <li>{latency.p99(formatLatency(p99))}</li>}
        <li>{latency.timeout(formatDuration(stats.timeout_ms))}</li>
      </StatTile>
    </div>
  );
}
