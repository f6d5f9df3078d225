'use client';

import { useMemo, useState } from 'react';
import { type ActionOutcome, CacheActions } from '#components/dashboard/cache-actions';
import { QueueTable } from '#components/dashboard/queue-table';
import { ExecutorTable, ModelTable, ServiceHealth } from '#components/dashboard/service-health';
import { StatTiles } from '#components/dashboard/stat-tiles';
import { StatsTables } from '#components/dashboard/stats-tables';
import { PageBar } from '#components/shell/page-bar';
import { Button } from '#components/ui/button';
import { Chart } from '#components/ui/chart';
import { LastUpdated } from '#components/ui/last-updated';
import { Notice } from '#components/ui/notice';
import { StatsSkeleton } from '#components/ui/stats-skeleton';
import { formatCount, formatDuration, formatMegabytes, formatWholePercent } from '#lib/browser/format';
import { modelStatus, runnerStatus, useModels, useRunnerHealth } from '#lib/browser/service-status';
import { type StatsSample, useStats } from './use-stats.ts';

/** Makes the region scrollable by keyboard. */
const SCROLLABLE = { tabIndex: 0, role: 'region', 'aria-label': 'Figures' } as const;

export function Dashboard() {
  const stats = useStats();
  const models = useModels();
  const runner = useRunnerHealth();
  const [outcome, setOutcome] = useState<ActionOutcome>();
  const reportOutcome = (next: ActionOutcome) => {
    setOutcome(next);
    void stats.mutate();
    void models.mutate();
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageBar>
        <h1 className="ps-2 font-medium text-sm">Dashboard</h1>
        <LastUpdated at={stats.data?.timestamp} failed={stats.error !== undefined} />
        <span className="flex-1" />
        <div className="flex gap-2">
          <CacheActions onOutcome={reportOutcome} />
        </div>
      </PageBar>
      <div className="scroller min-h-0 flex-1" {...SCROLLABLE}>
        <div className="mx-auto flex max-w-[76rem] flex-col gap-3 p-3 pb-10 md:p-6">
          <div role="status" className="empty:absolute">
            {outcome === undefined ? null : (
              <Notice
                kind={outcome.kind}
                action={
                  <Button size="sm" kind="quiet" onClick={() => setOutcome(undefined)}>
                    Hide
                  </Button>
                }
              >
                {outcome.sentence}
              </Notice>
            )}
          </div>
          {stats.error === undefined ? null : (
            <Notice
              kind="error"
              action={
                <Button size="sm" onClick={() => void stats.mutate()}>
                  Ask again
                </Button>
              }
            >
              {stats.error.message} {stats.data === undefined ? '' : 'What you see is the last that was known.'}
            </Notice>
          )}
          {stats.data === undefined ? (
            <StatsSkeleton />
          ) : (
            <>
              <StatTiles
                stats={stats.data}
                model={modelStatus(models.data, models.error)}
                runner={runnerStatus(runner.data, runner.error)}
              />
              <DashboardCharts samples={stats.samples} />
              <div className="mt-6 grid grid-cols-1 gap-x-6 gap-y-8 lg:grid-cols-2">
                <div className="min-w-0 lg:col-span-2">
                  <QueueTable onOutcome={reportOutcome} />
                </div>
                <StatsTables stats={stats.data} />
                <ServiceHealth />
                <ModelTable />
                <div className="min-w-0 lg:col-span-2">
                  <ExecutorTable />
                </div>
              </div>
            </>
          )}
        </div>
      </div>
    </div>
  );
}

function DashboardCharts({ samples }: { samples: readonly StatsSample[] }) {
  const times = useMemo(() => samples.map((sample) => sample.at), [samples]);
  const lines = useMemo(
    () => ({
      queue: [
        { name: 'Chat requests', colour: '--accent', values: samples.map((sample) => sample.waiting) },
        { name: 'Code runs', colour: '--good', values: samples.map((sample) => sample.runs) },
      ],
      hits: [{ name: 'Hit rate', colour: '--cached', values: samples.map((sample) => sample.hitPercent) }],
      firstToken: percentileLines(samples, 'firstTokenP50', 'firstTokenP95'),
      total: percentileLines(samples, 'totalP50', 'totalP95'),
      code: percentileLines(samples, 'codeP50', 'codeP95'),
      memory: [{ name: 'Memory', colour: '--ink-2', values: samples.map((sample) => sample.memoryMb) }],
    }),
    [samples],
  );
  return (
    <div className="grid gap-3 lg:grid-cols-2">
      <Chart title="Waiting and running" times={times} lines={lines.queue} format={formatCount} least={4} />
      <Chart
        title="Time to the first token"
        times={times}
        lines={lines.firstToken}
        format={formatDuration}
        least={100}
      />
      <Chart title="Time to the whole answer" times={times} lines={lines.total} format={formatDuration} least={100} />
      <Chart title="Time of a code run" times={times} lines={lines.code} format={formatDuration} least={100} />
      <Chart title="Answers from the cache" times={times} lines={lines.hits} format={formatWholePercent} least={100} />
      <Chart title="Memory of the server" times={times} lines={lines.memory} format={formatMegabytes} least={128} />
    </div>
  );
}

type PercentileKey = 'firstTokenP50' | 'firstTokenP95' | 'totalP50' | 'totalP95' | 'codeP50' | 'codeP95';

function percentileLines(samples: readonly StatsSample[], p50: PercentileKey, p95: PercentileKey) {
  return [
    { name: 'p50', colour: '--accent', values: samples.map((sample) => sample[p50]) },
    { name: 'p95', colour: '--warn', values: samples.map((sample) => sample[p95]) },
  ];
}
