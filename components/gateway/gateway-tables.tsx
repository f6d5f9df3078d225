import { Badge, type Tone } from '#components/ui/badge';
import { DataTable, row } from '#components/ui/data-table';
import { formatCount, formatLatency, formatPercentiles } from '#lib/browser/format';
import type { BackendStats, GatewayStats } from '#lib/wire/gateway';

export function GatewayTables({ stats }: { stats: GatewayStats }) {
  return (
    <div className="grid gap-x-6 gap-y-8 lg:grid-cols-2">
      <div className="min-w-0 lg:col-span-2">
        <DataTable
          title="Backends"
          wide
          columns={['Address', 'State', 'Requests', 'Failed', 'Open', 'Connections', 'Failed last']}
          rows={stats.backends.map((backend) => ({
            key: backend.origin,
            cells: [
              backend.origin,
              <Badge key="state" tone={STATE_TONES[backend.state]}>
                {STATE_LABELS[backend.state]}
              </Badge>,
              formatCount(backend.requests),
              formatCount(backend.failures),
              formatCount(backend.active + backend.waiting),
              `${formatCount(backend.connections)} of ${formatCount(stats.pool_size)}`,
              lastFailure(backend),
            ],
          }))}
        />
      </div>
      <DataTable
        title="Answers"
        columns={['Status', 'Requests']}
        rows={stats.requests.by_status.map(({ status, count: times }) => ({
          key: String(status),
          cells: [
            <Badge key="status" tone={status >= 500 ? 'error' : status >= 400 ? 'warn' : 'good'}>
              {status}
            </Badge>,
            formatCount(times),
          ],
        }))}
        empty="No request was answered since the server began."
      />
      <DataTable
        title="Latency"
        columns={['', 'p50', 'p95', 'p99']}
        rows={[row('Start of the answer', ...formatPercentiles(stats.recent.latency_ms, formatLatency))]}
      />
    </div>
  );
}

const STATE_TONES: Record<BackendStats['state'], Tone> = { up: 'good', down: 'error', unknown: 'neutral' };
const STATE_LABELS: Record<BackendStats['state'], string> = {
  up: 'reachable',
  down: 'not reachable',
  unknown: 'not asked yet',
};

function lastFailure({ last_failure: failure }: BackendStats): string {
  return failure === null ? 'never' : `${new Date(failure.at).toTimeString().slice(0, 5)}, ${failure.reason}`;
}
