'use client';

import { useMemo } from 'react';
import { GatewaySetup } from '#components/gateway/gateway-setup';
import { GatewayTables } from '#components/gateway/gateway-tables';
import { GatewayTiles } from '#components/gateway/gateway-tiles';
import { PageBar } from '#components/shell/page-bar';
import { Button } from '#components/ui/button';
import { Chart } from '#components/ui/chart';
import { LastUpdated } from '#components/ui/last-updated';
import { Notice } from '#components/ui/notice';
import { StatsSkeleton } from '#components/ui/stats-skeleton';
import { formatCount, formatLatency, formatWholePercent } from '#lib/browser/format';
import { type GatewaySample, useGatewayStats } from './use-gateway-stats.ts';

/** Makes the region scrollable by keyboard. */
const SCROLLABLE = { tabIndex: 0, role: 'region', 'aria-label': 'State of the gateway' } as const;

/** Live traffic to the private backend. */
export function GatewayView() {
  const { data: stats, error, samples, mutate } = useGatewayStats();
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageBar>
        <h1 className="ps-2 font-medium text-sm">Gateway</h1>
        {stats?.state === 'not_configured' ? null : <LastUpdated at={stats?.timestamp} failed={error !== undefined} />}
      </PageBar>
      <div className="scroller min-h-0 flex-1" {...SCROLLABLE}>
        <div className="mx-auto flex max-w-[76rem] flex-col gap-3 p-3 pb-10 md:p-6">
          {error === undefined ? null : (
            <Notice
              kind="error"
              action={
                <Button size="sm" onClick={() => void mutate()}>
                  Ask again
                </Button>
              }
            >
              {error.message} {stats === undefined ? '' : 'What you see is the last that was known.'}
            </Notice>
          )}
          {stats === undefined ? (
            error === undefined ? (
              <StatsSkeleton />
            ) : null
          ) : stats.state === 'not_configured' ? (
            <GatewaySetup />
          ) : (
            <>
              <GatewayTiles stats={stats} perSecond={samples.at(-1)?.perSecond ?? null} />
              <GatewayCharts samples={samples} />
              <div className="mt-6">
                <GatewayTables stats={stats} />
              </div>
            </>
          )}
        </div>
      </div>
    </div>
  );
}

function GatewayCharts({ samples }: { samples: readonly GatewaySample[] }) {
  const times = useMemo(() => samples.map((sample) => sample.at), [samples]);
  const lines = useMemo(
    () => ({
      rate: [{ name: 'Requests', colour: '--accent', values: samples.map((sample) => sample.perSecond) }],
      latency: [
        { name: 'p50', colour: '--accent', values: samples.map((sample) => sample.p50) },
        { name: 'p95', colour: '--warn', values: samples.map((sample) => sample.p95) },
      ],
      errors: [{ name: 'Errors', colour: '--error', values: samples.map((sample) => sample.errorPercent) }],
      open: [
        { name: 'Requests', colour: '--accent', values: samples.map((sample) => sample.active) },
        { name: 'WebSockets', colour: '--good', values: samples.map((sample) => sample.sockets) },
      ],
    }),
    [samples],
  );
  return (
    <div className="grid gap-3 lg:grid-cols-2">
      <Chart title="Requests a second" times={times} lines={lines.rate} format={formatCount} least={4} />
      <Chart
        title="Time to the start of an answer"
        times={times}
        lines={lines.latency}
        format={formatLatency}
        least={10}
      />
      <Chart
        title="Answers that are errors"
        times={times}
        lines={lines.errors}
        format={formatWholePercent}
        least={100}
      />
      <Chart title="Open" times={times} lines={lines.open} format={formatCount} least={4} />
    </div>
  );
}
