import { StatTile, StatusLine } from '#components/ui/stat-tile';
import { formatCount, formatDuration, formatLatency, formatPercent } from '#lib/browser/format';
import type { GatewayStats } from '#lib/wire/gateway';
import { backendStatus } from './use-gateway-stats.ts';

/** An operator's first questions: availability, errors, speed. */
export function GatewayTiles({ stats, perSecond }: { stats: GatewayStats; perSecond: number | null }) {
  const { backends, requests, recent, web_sockets } = stats;
  const { p50, p95, p99 } = recent.latency_ms;
  const waiting = backends.reduce((sum, backend) => sum + backend.waiting, 0);
  return (
    <div className="grid gap-3 md:grid-cols-3">
      <StatTile question="Is the backend there?" {...STATES[stats.state]}>
        {backends.map((backend) => (
          <StatusLine key={backend.origin} name="Backend" status={backendStatus(backend)} />
        ))}
        <li>
          {stats.has_token ? 'HF_TOKEN is set and put into each request' : 'No HF_TOKEN: requests go without a token'}
        </li>
      </StatTile>
      <StatTile
        question="Does it work?"
        value={recent.requests === 0 ? '–' : formatPercent(1 - recent.error_rate)}
        unit={
          recent.requests === 0 ? 'no request came yet' : `without error, of the last ${formatCount(recent.requests)}`
        }
      >
        <li>
          {formatCount(requests.total)} {requests.total === 1 ? 'request' : 'requests'} since the server began
          {perSecond === null ? '' : `, ${formatCount(perSecond)} a second now`}
        </li>
        <li>
          {requests.failed === 0 ? 'All were answered by the backend' : `${formatCount(requests.failed)} had no answer`}
        </li>
        <li>
          {formatCount(requests.active)} open{waiting > 0 ? `, ${formatCount(waiting)} wait for a connection` : ''};{' '}
          {formatCount(web_sockets.open)} {web_sockets.open === 1 ? 'WebSocket' : 'WebSockets'}
        </li>
      </StatTile>
      <StatTile
        question="Is it fast?"
        value={p50 === null ? '–' : formatLatency(p50)}
        unit={p50 === null ? 'nothing was measured yet' : 'to the start of an answer, as a rule'}
      >
        {p95 === null ? null : <li>One in twenty takes over {formatLatency(p95)}</li>}
        {p99 === null ? null : <li>One in a hundred takes over {formatLatency(p99)}</li>}
        <li>Given up after {formatDuration(stats.timeout_ms)}</li>
      </StatTile>
    </div>
  );
}

const STATES: Record<GatewayStats['state'], { value: string; unit: string }> = {
  not_configured: { value: 'Off', unit: 'no backend is set' },
  up: { value: 'Up', unit: 'and passing requests on' },
  degraded: { value: 'Partly', unit: 'some backends are down' },
  down: { value: 'Down', unit: 'requests get a 502' },
  unknown: { value: '–', unit: 'nothing is known yet' },
};
