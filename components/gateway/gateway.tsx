'use client';

import { useMemo } from 'react';
import { GatewaySetup } from '#components/gateway/gateway-setup';
import { GatewayTables } from '#components/gateway/gateway-tables';
import { GatewayTiles } from '#components/gateway/gateway-tiles';
import { PageBar } from '#components/shell/page-bar';
import { LastUpdated } from '#components/ui/last-updated';
import { RANGE_NAMES, RANGES, RangeSwitch, useRange } from '#components/ui/range-switch';
import { STALE_COLOURS, StatsNotice } from '#components/ui/stats-notice';
import { ChartSection } from '#components/ui/stats-section';
import { StatsSkeleton } from '#components/ui/stats-skeleton';
import { formatCount, formatLatency, formatPercentage, formatRate } from '#lib/browser/format';
import { usePageCommands } from '#lib/browser/page-commands';
import { percentages, recentMean, toChartData } from '#lib/browser/stats-history';
import { useFreshness } from '#lib/browser/use-sampled-stats';
import { useStatsHistory } from '#lib/browser/use-stats-history';
import type { GatewaySeries, HistoryRange } from '#lib/wire/stats-history';
import { type ChartSpec, percentileLines } from '../ui/chart-props.ts';
import { GATEWAY_STRINGS } from './strings.ts';
import { useGatewayStats } from './use-gateway-stats.ts';

/** Makes the region scrollable by keyboard. */
const SCROLLABLE = { tabIndex: 0, role: 'region', 'aria-label': GATEWAY_STRINGS.figures } as const;
const NOW_MS = 30_000;
const { charts: STRINGS } = GATEWAY_STRINGS;

interface GatewayViewProps {
  initialRange: HistoryRange;
  /** Whether the page says how to set the gateway up. */
  isForOperators: boolean;
}

/** Live traffic to the private backend. */
export function GatewayView({ initialRange, isForOperators }: GatewayViewProps) {
  const { data: stats, error, mutate } = useGatewayStats();
  const [range, chooseRange] = useRange(initialRange);
  const { data: history } = useStatsHistory('gateway', range);
  const { receivedAt, isStale } = useFreshness(stats, error);
  const series = useMemo(
    () => (history?.gateway === undefined ? undefined : toChartData(history, history.gateway)),
    [history],
  );
  const charts = useMemo(() => (series === undefined ? [] : chartsOf(series.values)), [series]);
  usePageCommands(
    useMemo(
      () =>
        RANGES.map((each) => ({
          id: `gateway range ${each}`,
          group: GATEWAY_STRINGS.commands,
          label: GATEWAY_STRINGS.rangeCommand(RANGE_NAMES[each]),
          run: () => chooseRange(each),
        })),
      [chooseRange],
    ),
  );
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageBar>
        <h1 className="ps-2 font-medium text-sm">{GATEWAY_STRINGS.title}</h1>
        {stats?.state === 'not_configured' ? null : <LastUpdated at={receivedAt} isStale={isStale} />}
      </PageBar>
      <div className="scroller min-h-0 flex-1" {...SCROLLABLE}>
        <div className="mx-auto flex max-w-[76rem] flex-col gap-3 p-3 pb-10 md:p-6">
          {isStale || error !== undefined ? (
            <StatsNotice error={error} hasData={stats !== undefined} onRetry={() => void mutate()} />
          ) : null}
          {stats === undefined ? (
            error === undefined ? (
              <StatsSkeleton tiles={3} />
            ) : null
          ) : stats.state === 'not_configured' ? (
            <GatewaySetup isForOperators={isForOperators} />
          ) : (
            <div data-stale={isStale} className={isStale ? STALE_COLOURS : undefined}>
              <GatewayTiles
                stats={stats}
                perSecond={
                  series === undefined ? null : recentMean(series.times, series.values.requests_per_second, NOW_MS)
                }
                isStale={isStale}
              />
              {series === undefined ? null : (
                <ChartSection
                  title={STRINGS.section}
                  control={<RangeSwitch range={range} onChange={chooseRange} />}
                  history={series}
                  isStale={isStale}
                  charts={charts}
                />
              )}
              <h2 className="mt-5 mb-2 font-semibold text-base">{GATEWAY_STRINGS.tables.section}</h2>
              <GatewayTables stats={stats} />
            </div>
          )}
        </div>
      </div>
    </div>
  );
}

function chartsOf(series: GatewaySeries): ChartSpec[] {
  return [
    {
      title: STRINGS.rate,
      lines: [{ name: STRINGS.requests, colour: '--accent', values: series.requests_per_second }],
      format: formatRate,
      least: 0.1,
      empty: STRINGS.noRequests,
    },
    {
      title: STRINGS.firstByte,
      lines: percentileLines(series.first_byte_p50_ms, series.first_byte_p95_ms),
      format: formatLatency,
      least: 10,
      empty: STRINGS.noRequests,
    },
    {
      title: STRINGS.errors,
      lines: [{ name: STRINGS.errors, colour: '--error', values: percentages(series.error_rate) }],
      format: formatPercentage,
      least: 1,
      most: 100,
      empty: STRINGS.noErrors,
    },
    {
      title: STRINGS.open,
      lines: [
        { name: STRINGS.requests, colour: '--accent', values: series.open_requests },
        { name: STRINGS.webSockets, colour: '--good', values: series.open_web_sockets },
      ],
      format: formatCount,
      least: 4,
      empty: STRINGS.noConnections,
    },
  ];
}
