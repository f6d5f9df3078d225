'use client';

import { useMemo, useState } from 'react';
import { type ActionOutcome, Actions } from '#components/dashboard/actions';
import { Freshness } from '#components/dashboard/freshness';
import { Executors, ModelTable, Parts } from '#components/dashboard/parts';
import { Plot, PlotSkeleton } from '#components/dashboard/plot';
import { Queue } from '#components/dashboard/queue';
import { Tables } from '#components/dashboard/tables';
import { Tiles } from '#components/dashboard/tiles';
import { PageBar } from '#components/shell/page-bar';
import { Button } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import { count, duration } from '#lib/client/format';
import { type Sample, useStats } from '#lib/client/stats';
import { modelStatus, runnerStatus, useModels, useRunnerHealth } from '#lib/client/status';

/** Keyboards must be able to scroll it. */
const SCROLLABLE = { tabIndex: 0, role: 'region', 'aria-label': 'Figures' } as const;

export function Dashboard() {
  const stats = useStats();
  const models = useModels();
  const runner = useRunnerHealth();
  const [outcome, setOutcome] = useState<ActionOutcome>();
  const told = (next: ActionOutcome) => {
    setOutcome(next);
    void stats.mutate();
    void models.mutate();
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageBar>
        <h1 className="ps-2 font-medium text-sm">Dashboard</h1>
        <Freshness at={stats.data?.timestamp} failed={stats.error !== undefined} />
        <span className="flex-1" />
        <div className="flex gap-2">
          <Actions onOutcome={told} />
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
            <Skeleton />
          ) : (
            <>
              <Tiles
                stats={stats.data}
                model={modelStatus(models.data, models.error)}
                runner={runnerStatus(runner.data, runner.error)}
              />
              <Plots samples={stats.samples} />
              <div className="mt-6 grid grid-cols-1 gap-x-6 gap-y-8 lg:grid-cols-2">
                <div className="min-w-0 lg:col-span-2">
                  <Queue onOutcome={told} />
                </div>
                <Tables stats={stats.data} />
                <Parts />
                <ModelTable />
                <div className="min-w-0 lg:col-span-2">
                  <Executors />
                </div>
              </div>
            </>
          )}
        </div>
      </div>
    </div>
  );
}

function Plots({ samples }: { samples: readonly Sample[] }) {
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
      <Plot title="Waiting and running" times={times} lines={lines.queue} format={count} least={4} />
      <Plot title="Time to the first token" times={times} lines={lines.firstToken} format={duration} least={100} />
      <Plot title="Time to the whole answer" times={times} lines={lines.total} format={duration} least={100} />
      <Plot title="Time of a code run" times={times} lines={lines.code} format={duration} least={100} />
      <Plot title="Answers from the cache" times={times} lines={lines.hits} format={wholePercent} least={100} />
      <Plot title="Memory of the server" times={times} lines={lines.memory} format={megabytes} least={128} />
    </div>
  );
}

type Measured = 'firstTokenP50' | 'firstTokenP95' | 'totalP50' | 'totalP95' | 'codeP50' | 'codeP95';

function percentileLines(samples: readonly Sample[], p50: Measured, p95: Measured) {
  return [
    { name: 'p50', colour: '--accent', values: samples.map((sample) => sample[p50]) },
    { name: 'p95', colour: '--warn', values: samples.map((sample) => sample[p95]) },
  ];
}

const wholePercent = (value: number) => `${Math.round(value)}%`;
const megabytes = (value: number) => `${count(value)} MB`;

function Skeleton() {
  return (
    <>
      <div aria-hidden className="grid gap-3 md:grid-cols-3">
        <div className="skeleton h-44 rounded-lg!" />
        <div className="skeleton h-44 rounded-lg!" />
        <div className="skeleton h-44 rounded-lg!" />
      </div>
      <div aria-hidden className="grid gap-3 lg:grid-cols-2">
        <PlotSkeleton />
        <PlotSkeleton />
      </div>
    </>
  );
}
