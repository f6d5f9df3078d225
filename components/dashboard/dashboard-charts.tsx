'use client';

import clsx from 'clsx';
import { type ReactNode, useMemo } from 'react';
import { Chart } from '#components/ui/chart';
import { RangeSwitch } from '#components/ui/range-switch';
import {
  formatCount,
  formatDuration,
  formatMegabytes,
  formatPercentage,
  formatRate,
  formatWholePercent,
} from '#lib/browser/format';
import type { ChartData } from '#lib/browser/stats-history';
import type { HistoryRange, ServerSeries } from '#lib/wire/stats-history';
import { DASHBOARD_STRINGS } from './strings.ts';

const { charts: STRINGS, sections: SECTIONS } = DASHBOARD_STRINGS;

interface DashboardChartsProps {
  history: ChartData<ServerSeries>;
  range: HistoryRange;
  onRange: (range: HistoryRange) => void;
  isStale: boolean;
  /** Tables next to the charts of the same matter. */
  latencyTable: ReactNode;
  cacheTable: ReactNode;
}

/** The four golden signals and the cache over time. */
export function DashboardCharts({ history, range, onRange, isStale, latencyTable, cacheTable }: DashboardChartsProps) {
  const lines = useMemo(() => chartLines(history.values), [history]);
  // Short requests and runs fall between two looks at the load.
  const happened = (values: ServerSeries['running']) => values.some((value) => (value ?? 0) > 0);
  const hasRequests = happened(history.values.requests_per_second);
  const hasRuns = happened(history.values.code_runs_per_second);
  const shared = { times: history.times, windowMs: history.windowMs, isStale };
  return (
    <>
      <Section title={SECTIONS.traffic} control={<RangeSwitch range={range} onChange={onRange} />}>
        <Chart
          {...shared}
          title={STRINGS.requestRate}
          lines={lines.requests}
          format={formatRate}
          least={0.1}
          empty={STRINGS.noRequests}
        />
        <Chart
          {...shared}
          title={STRINGS.tokenRate}
          lines={lines.tokens}
          format={formatRate}
          least={1}
          empty={STRINGS.noRequests}
        />
      </Section>
      <Section title={SECTIONS.load}>
        <Chart
          {...shared}
          title={STRINGS.chatLoad}
          lines={lines.chat}
          format={formatCount}
          least={4}
          empty={hasRequests ? undefined : STRINGS.noRequests}
        />
        <Chart
          {...shared}
          title={STRINGS.codeLoad}
          lines={lines.code}
          format={formatCount}
          least={4}
          empty={hasRuns ? undefined : STRINGS.noRuns}
        />
        <Chart {...shared} title={STRINGS.cpu} lines={lines.cpu} format={formatPercentage} least={10} />
        <Chart {...shared} title={STRINGS.memory} lines={lines.memory} format={formatMegabytes} least={128} />
      </Section>
      <Section title={SECTIONS.latency}>
        <Chart
          {...shared}
          title={STRINGS.firstToken}
          lines={lines.firstToken}
          format={formatDuration}
          least={100}
          empty={STRINGS.noResponses}
        />
        <Chart
          {...shared}
          title={STRINGS.total}
          lines={lines.total}
          format={formatDuration}
          least={100}
          empty={STRINGS.noResponses}
        />
        <Chart
          {...shared}
          title={STRINGS.codeRun}
          lines={lines.codeRun}
          format={formatDuration}
          least={100}
          empty={STRINGS.noRuns}
        />
        {latencyTable}
      </Section>
      <Section title={SECTIONS.errors}>
        <Chart
          {...shared}
          title={STRINGS.errorRate}
          lines={lines.errors}
          format={formatPercentage}
          least={1}
          most={100}
          empty={STRINGS.noErrors}
        />
        <Chart
          {...shared}
          title={STRINGS.failures}
          lines={lines.failures}
          format={formatRate}
          least={0.1}
          empty={STRINGS.noErrors}
        />
      </Section>
      <Section title={SECTIONS.cache}>
        <Chart
          {...shared}
          title={STRINGS.hitRate}
          lines={lines.hits}
          format={formatWholePercent}
          least={10}
          most={100}
          empty={STRINGS.noLookups}
        />
        {cacheTable}
      </Section>
    </>
  );
}

interface SectionProps {
  title: string;
  control?: ReactNode;
  /** Tables without a box need more space between them. */
  isPlain?: boolean;
  children: ReactNode;
}

export function Section({ title, control, isPlain = false, children }: SectionProps) {
  return (
    <section className="mt-5">
      <div className="mb-2 flex min-h-8 items-end justify-between gap-4">
        <h2 className="font-semibold text-base">{title}</h2>
        {control}
      </div>
      <div className={clsx('grid grid-cols-1 lg:grid-cols-2', isPlain ? 'gap-x-10 gap-y-6' : 'gap-3')}>{children}</div>
    </section>
  );
}

function chartLines(series: ServerSeries) {
  const percent = (values: ServerSeries['error_rate']) => values.map((value) => (value === null ? null : value * 100));
  const load = (running: ServerSeries['running'], queued: ServerSeries['queued']) => [
    { name: STRINGS.running, colour: '--accent', values: running },
    { name: STRINGS.queued, colour: '--warn', values: queued },
  ];
  const percentiles = (p50: ServerSeries['total_p50_ms'], p95: ServerSeries['total_p95_ms']) => [
    { name: STRINGS.p50, colour: '--accent', values: p50 },
    { name: STRINGS.p95, colour: '--warn', values: p95 },
  ];
  return {
    requests: [
      { name: STRINGS.chat, colour: '--accent', values: series.requests_per_second },
      { name: STRINGS.code, colour: '--good', values: series.code_runs_per_second },
    ],
    tokens: [{ name: STRINGS.tokens, colour: '--accent', values: series.tokens_per_second }],
    chat: load(series.running, series.queued),
    code: load(series.code_running, series.code_queued),
    cpu: [{ name: STRINGS.cpu, colour: '--ink-2', values: series.cpu_percent }],
    memory: [{ name: STRINGS.memory, colour: '--ink-2', values: series.rss_mb }],
    firstToken: percentiles(series.first_token_p50_ms, series.first_token_p95_ms),
    total: percentiles(series.total_p50_ms, series.total_p95_ms),
    codeRun: percentiles(series.code_p50_ms, series.code_p95_ms),
    errors: [{ name: STRINGS.errorRate, colour: '--error', values: percent(series.error_rate) }],
    failures: [
      { name: STRINGS.failed, colour: '--error', values: series.failed_per_second },
      { name: STRINGS.cancelled, colour: '--ink-2', values: series.cancelled_per_second },
    ],
    hits: [{ name: STRINGS.hitRate, colour: '--cached', values: percent(series.cache_hit_rate) }],
  };
}
