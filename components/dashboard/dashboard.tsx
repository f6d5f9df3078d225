'use client';

import { useEffect, useMemo, useRef } from 'react';
import { CacheActions } from '#components/dashboard/cache-actions';
import { DashboardCharts } from '#components/dashboard/dashboard-charts';
import { AloneNotice, Instances } from '#components/dashboard/instances';
import { ModelServers, OneModelServer } from '#components/dashboard/model-servers';
import { QueueTable } from '#components/dashboard/queue-table';
import { ExecutorTable, ModelTable, ServiceHealth } from '#components/dashboard/service-health';
import { StatTiles } from '#components/dashboard/stat-tiles';
import { CacheTable, CodeRunTable, LatencyTable, RequestTable, ServerTable } from '#components/dashboard/stats-tables';
import { PageBar } from '#components/shell/page-bar';
import { LastUpdated } from '#components/ui/last-updated';
import { RANGE_NAMES, RANGES, useRange } from '#components/ui/range-switch';
import { STALE_COLOURS, StatsNotice } from '#components/ui/stats-notice';
import { StatsSection } from '#components/ui/stats-section';
import { StatsSkeleton } from '#components/ui/stats-skeleton';
import { usePageCommands } from '#lib/browser/page-commands';
import { modelStatus, runnerStatus, useModels, useRunnerHealth } from '#lib/browser/service-status';
import { toChartData } from '#lib/browser/stats-history';
import { mayClearCaches, mayLoadModels, useMe } from '#lib/browser/use-me';
import { useFreshness } from '#lib/browser/use-sampled-stats';
import { useStatsHistory } from '#lib/browser/use-stats-history';
import type { HistoryRange } from '#lib/wire/stats-history';
import { modelServersOf } from './model-server-facts.ts';
import { DASHBOARD_STRINGS } from './strings.ts';
import { useQueue, useReadiness } from './use-ops-status.ts';
import { useStats } from './use-stats.ts';

/** Makes the region scrollable by keyboard. */
const SCROLLABLE = { tabIndex: 0, role: 'region', 'aria-label': DASHBOARD_STRINGS.figures } as const;

/** Status, queue, model servers, traffic, saturation, latency, errors, cache, then the rest. */
export function Dashboard({ initialRange }: { initialRange: HistoryRange }) {
  const stats = useStats();
  const queue = useQueue();
  const ready = useReadiness();
  const { data: me } = useMe();
  const [range, chooseRange] = useRange(initialRange);
  const history = useStatsHistory('server', range);
  const { data: models, error: modelsError, mutate: checkModels } = useModels();
  const { data: runner, error: runnerError, mutate: checkRunner } = useRunnerHealth();
  const { receivedAt, isStale } = useFreshness(stats.data, stats.error);
  const series = useMemo(
    () => (history.data?.server === undefined ? undefined : toChartData(history.data, history.data.server)),
    [history.data],
  );
  const servers = stats.data === undefined ? [] : modelServersOf(stats.data);
  const [only] = servers.length === 1 ? servers : [];
  // The dots of all pages learn now what these requests have found out: the end, and the return.
  const isFailing = stats.error !== undefined;
  const wasFailing = useRef(false);
  useEffect(() => {
    if (isFailing === wasFailing.current) return;
    wasFailing.current = isFailing;
    void checkModels();
    void checkRunner();
  }, [isFailing, checkModels, checkRunner]);
  usePageCommands(
    useMemo(
      () =>
        RANGES.map((each) => ({
          id: `dashboard range ${each}`,
          group: DASHBOARD_STRINGS.actions.group,
          label: DASHBOARD_STRINGS.actions.commands.range(RANGE_NAMES[each]),
          run: () => chooseRange(each),
        })),
      [chooseRange],
    ),
  );
  const refresh = () => {
    void stats.mutate();
    void queue.mutate();
    void checkModels();
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageBar>
        <h1 className="ps-2 font-medium text-sm">{DASHBOARD_STRINGS.title}</h1>
        <LastUpdated at={receivedAt} isStale={isStale} />
        <span className="flex-1" />
        <div className="flex gap-2">
          <CacheActions mayClear={mayClearCaches(me)} mayLoad={mayLoadModels(me)} onDone={refresh} />
        </div>
      </PageBar>
      <div className="scroller min-h-0 flex-1" {...SCROLLABLE}>
        <div className="mx-auto flex max-w-[76rem] flex-col gap-3 p-3 pb-10 md:p-6">
          {isStale || stats.error !== undefined ? (
            <StatsNotice error={stats.error} hasData={stats.data !== undefined} onRetry={refresh} />
          ) : null}
          {stats.data === undefined ? (
            stats.error === undefined ? (
              <StatsSkeleton tiles={4} />
            ) : null
          ) : (
            <div data-stale={isStale} className={isStale ? STALE_COLOURS : undefined}>
              <AloneNotice stats={stats.data} />
              <StatTiles
                stats={stats.data}
                queue={queue.data}
                servers={servers}
                history={series}
                cacheLimitMb={history.data?.limits.response_cache_mb}
                model={modelStatus(models, modelsError)}
                runner={runnerStatus(runner, runnerError)}
                ready={ready.data}
                isStale={isStale}
              />
              <QueueTable queue={queue.data} servers={servers} error={queue.error} onDone={refresh} />
              {servers.length > 1 ? <ModelServers servers={servers} /> : null}
              <Instances stats={stats.data} />
              {series === undefined ? null : (
                <DashboardCharts
                  history={series}
                  range={range}
                  onRange={chooseRange}
                  isStale={isStale}
                  isCluster={stats.data.scope === 'cluster'}
                  latencyTable={<LatencyTable stats={stats.data} />}
                  cacheTable={<CacheTable stats={stats.data} />}
                />
              )}
              <StatsSection isPlain title={DASHBOARD_STRINGS.sections.services}>
                <ServiceHealth />
                <ModelTable />
                {only === undefined ? null : (
                  <div className="min-w-0 lg:col-span-2">
                    <OneModelServer server={only} />
                  </div>
                )}
                <div className="min-w-0 lg:col-span-2">
                  <ExecutorTable />
                </div>
              </StatsSection>
              <StatsSection isPlain title={DASHBOARD_STRINGS.sections.totals}>
                <RequestTable stats={stats.data} />
                <ServerTable stats={stats.data} />
                <div className="min-w-0 lg:col-span-2">
                  <CodeRunTable stats={stats.data} />
                </div>
              </StatsSection>
            </div>
          )}
        </div>
      </div>
    </div>
  );
}
