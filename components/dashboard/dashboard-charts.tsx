'use client';

import { type ReactNode, useMemo } from 'react';
import { RangeSwitch } from '#components/ui/range-switch';
import { ChartSection } from '#components/ui/stats-section';
import {
  formatCount,
  formatDuration,
  formatMegabytes,
  formatPercentage,
  formatRate,
  formatWholePercent,
} from '#lib/browser/format';
import { type ChartData, percentages } from '#lib/browser/stats-history';
import type { HistoryRange, ServerSeries } from '#lib/wire/stats-history';
import { type ChartSpec, percentileLines } from '../ui/chart-props.ts';
import { DASHBOARD_STRINGS } from './strings.ts';

const { charts: STRINGS, sections: SECTIONS, instances } = DASHBOARD_STRINGS;

interface DashboardChartsProps {
  history: ChartData<ServerSeries>;
  range: HistoryRange;
  onRange: (range: HistoryRange) => void;
  isStale: boolean;
  /** The figures are those of all instances. */
  isCluster: boolean;
  /** Tables next to the charts of the same matter. */
  latencyTable: ReactNode;
  cacheTable: ReactNode;
}

/** The four golden signals and the cache over time. */
export function DashboardCharts(props: DashboardChartsProps) {
  const { history, range, onRange, isStale, isCluster, latencyTable, cacheTable } = props;
  const charts = useMemo(() => chartsOf(history.values, isCluster), [history, isCluster]);
  const shared = { history, isStale };
  return (
    <>
      <ChartSection
        {...shared}
        title={SECTIONS.traffic}
        charts={charts.traffic}
        control={<RangeSwitch range={range} onChange={onRange} />}
      />
      <ChartSection {...shared} title={SECTIONS.load} charts={charts.load} />
      <ChartSection {...shared} title={SECTIONS.latency} charts={charts.latency}>
        {latencyTable}
      </ChartSection>
      <ChartSection {...shared} title={SECTIONS.errors} charts={charts.errors} />
      <ChartSection {...shared} title={SECTIONS.cache} charts={charts.cache}>
        {cacheTable}
      </ChartSection>
    </>
  );
}

type ChartGroups = Record<'traffic' | 'load' | 'latency' | 'errors' | 'cache', ChartSpec[]>;

function chartsOf(series: ServerSeries, isCluster: boolean): ChartGroups {
  // Short requests and runs fall between two looks at the load.
  const happened = (values: ServerSeries['running']) => values.some((value) => (value ?? 0) > 0);
  const running = (values: ServerSeries['running'], queued: ServerSeries['queued']) => ({
    lines: [
      { name: STRINGS.running, colour: '--accent', values },
      { name: STRINGS.queued, colour: '--warn', values: queued },
    ],
    format: formatCount,
    least: 4,
  });
  const duration = (p50: ServerSeries['total_p50_ms'], p95: ServerSeries['total_p95_ms']) => ({
    lines: percentileLines(p50, p95),
    format: formatDuration,
    least: 100,
  });
  const one = (name: string, colour: string, values: ServerSeries['cpu_percent']) => ({
    title: name,
    lines: [{ name, colour, values }],
  });
  const { noRequests, noResponses, noRuns, noErrors, noLookups } = STRINGS;
  return {
    traffic: [
      {
        title: STRINGS.requestRate,
        lines: [
          { name: STRINGS.chat, colour: '--accent', values: series.requests_per_second },
          { name: STRINGS.code, colour: '--good', values: series.code_runs_per_second },
        ],
        format: formatRate,
        least: 0.1,
        empty: noRequests,
      },
      {
        title: STRINGS.tokenRate,
        lines: [{ name: STRINGS.tokens, colour: '--accent', values: series.tokens_per_second }],
        format: formatRate,
        least: 1,
        empty: noRequests,
      },
    ],
    load: [
      {
        title: STRINGS.chatLoad,
        ...running(series.running, series.queued),
        empty: happened(series.requests_per_second) ? undefined : noRequests,
      },
      {
        title: STRINGS.codeLoad,
        ...running(series.code_running, series.code_queued),
        empty: happened(series.code_runs_per_second) ? undefined : noRuns,
      },
      {
        ...one(isCluster ? instances.cpu : STRINGS.cpu, '--ink-2', series.cpu_percent),
        format: formatPercentage,
        least: 10,
      },
      {
        ...one(isCluster ? instances.memory : STRINGS.memory, '--ink-2', series.rss_mb),
        format: formatMegabytes,
        least: 128,
      },
    ],
    latency: [
      {
        title: STRINGS.firstToken,
        ...duration(series.first_token_p50_ms, series.first_token_p95_ms),
        empty: noResponses,
      },
      { title: STRINGS.total, ...duration(series.total_p50_ms, series.total_p95_ms), empty: noResponses },
      { title: STRINGS.codeRun, ...duration(series.code_p50_ms, series.code_p95_ms), empty: noRuns },
    ],
    errors: [
      {
        ...one(STRINGS.errorRate, '--error', percentages(series.error_rate)),
        format: formatPercentage,
        least: 1,
        most: 100,
        empty: noErrors,
      },
      {
        title: STRINGS.failures,
        lines: [
          { name: STRINGS.failed, colour: '--error', values: series.failed_per_second },
          { name: STRINGS.cancelled, colour: '--ink-2', values: series.cancelled_per_second },
        ],
        format: formatRate,
        least: 0.1,
        empty: noErrors,
      },
    ],
    cache: [
      {
        ...one(STRINGS.hitRate, '--cached', percentages(series.cache_hit_rate)),
        format: formatWholePercent,
        least: 10,
        most: 100,
        empty: noLookups,
      },
    ],
  };
}
