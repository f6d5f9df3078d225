import { Badge, type Tone } from '#components/ui/badge';
import { DataTable, numeric, row, text } from '#components/ui/data-table';
import { formatClockTime, formatCount, formatLatency, formatPercentiles } from '#lib/browser/format';
import type { BackendStats, GatewayStats } from '#lib/wire/gateway';
import { GATEWAY_STRINGS } from './strings.ts';

const { tables: STRINGS } = GATEWAY_STRINGS;
const { columns: COLUMNS } = STRINGS;

export function GatewayTables({ stats }: { stats: GatewayStats }) {
  return (
    <div className="grid grid-cols-1 gap-x-6 gap-y-8 lg:grid-cols-2">
      <div className="min-w-0 lg:col-span-2">
        <DataTable
          title={STRINGS.backends}
          wide
          columns={[
            text(COLUMNS.address),
            text(COLUMNS.state),
            numeric(COLUMNS.requests),
            numeric(COLUMNS.failed),
            numeric(COLUMNS.open),
            numeric(COLUMNS.connections),
            text(COLUMNS.lastFailure),
          ]}
          rows={stats.backends.map((backend) => ({
            key: backend.id,
            cells: [
              backend.origin,
              <Badge key="state" tone={backend.draining ? 'warn' : STATE_TONES[backend.state]}>
                {backend.draining ? STRINGS.draining : STRINGS.states[backend.state]}
              </Badge>,
              formatCount(backend.requests),
              formatCount(backend.failures),
              formatCount(backend.active + backend.waiting),
              STRINGS.connections(formatCount(backend.connections), formatCount(stats.pool_size)),
              lastFailure(backend),
            ],
          }))}
        />
      </div>
      <DataTable
        title={STRINGS.responses}
        columns={[text(STRINGS.status), numeric(COLUMNS.requests)]}
        rows={stats.requests.by_status.map(({ status, count: times }) => ({
          key: String(status),
          cells: [
            <Badge key="status" tone={status >= 500 ? 'error' : status >= 400 ? 'warn' : 'good'}>
              {status}
            </Badge>,
            formatCount(times),
          ],
        }))}
        empty={STRINGS.noResponses}
      />
      <DataTable
        title={STRINGS.latency}
        columns={[text(''), ...['p50', 'p95', 'p99'].map(numeric)]}
        rows={[row(STRINGS.firstByte, ...formatPercentiles(stats.recent.latency_ms, formatLatency))]}
      />
    </div>
  );
}

const STATE_TONES: Record<BackendStats['state'], Tone> = { up: 'good', down: 'error', unknown: 'neutral' };

function lastFailure({ last_failure: failure }: BackendStats): string {
  if (failure === null) return STRINGS.never;
  return STRINGS.failure(formatClockTime(Date.parse(failure.at)).slice(0, '00:00'.length), failure.reason);
}
