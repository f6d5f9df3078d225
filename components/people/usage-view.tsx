'use client';

import { Download } from 'lucide-react';
import { useState } from 'react';
import useSWR from 'swr';
import { Failure } from '#components/people/failure';
import { Segments } from '#components/people/segments';
import { UsageChart } from '#components/people/usage-chart';
import { UsageTable, UsageTiles } from '#components/people/usage-table';
import { buttonClasses } from '#components/ui/button';
import type { Option } from '#components/ui/popup-props';
import { Select } from '#components/ui/select';
import { API_BASE } from '#lib/browser/endpoints';
import type { UsageReport } from '#lib/wire/usage';
import { fetchUsage } from './people-api.ts';
import { PEOPLE_STRINGS } from './strings.ts';
import { barsOf, PERIODS, periodOf, type ShownGroup, sortRows, type UsagePeriod } from './usage-figures.ts';
import { useNow } from './use-now.ts';

const { usage: STRINGS } = PEOPLE_STRINGS;
const REFRESH_MS = 60_000;
/** No second group. */
const NONE = 'none';

interface UsageViewProps {
  /** `/api/usage` or `/api/admin/usage`. */
  path: string;
  groups: readonly ShownGroup[];
  /** Whose usage, as parameters of the request. @default everything that `path` shows */
  filter?: Readonly<Record<string, string>>;
  /** Whether the server writes the table as CSV. */
  hasCsv?: boolean;
}

/** Requests and tokens of a period: headline figures, a chart by day, and a table by a choice. */
export function UsageView({ path, groups, filter = {}, hasCsv = false }: UsageViewProps) {
  const [period, setPeriod] = useState<UsagePeriod>('30');
  const [by, setBy] = useState<ShownGroup>(groups[0] ?? 'day');
  const [chosen, setThen] = useState<ShownGroup>();
  // What the rows are grouped by first is no choice for the second.
  const then = chosen === by ? undefined : chosen;
  const tableGroups = then === undefined ? [by] : [by, then];
  const { from, to } = periodOf(Number(period), useNow());
  const query = (by: readonly ShownGroup[]) => new URLSearchParams({ from, to, group_by: by.join(','), ...filter });
  const days = useUsage(path, query(['day']), true);
  // Rows of another group have other names.
  const table = useUsage(path, query(tableGroups), false);
  const error = days.error ?? table.error;
  const retry = () => {
    void days.mutate();
    void table.mutate();
  };
  return (
    <div className="flex min-w-0 flex-col gap-3">
      <div className="flex flex-wrap items-center justify-between gap-2">
        <Segments label={STRINGS.range} value={period} options={PERIODS} names={STRINGS.ranges} onChange={setPeriod} />
        {hasCsv ? (
          <a
            href={`${API_BASE}${path}?${query(tableGroups)}&format=csv`}
            download={`usage-${from}-${to}.csv`}
            className={buttonClasses('secondary', 'md')}
          >
            <Download className="size-4" strokeWidth={1.75} aria-hidden />
            {STRINGS.csv}
          </a>
        ) : null}
      </div>
      {error === undefined ? null : <Failure error={error} onRetry={retry} />}
      {days.data === undefined ? (
        error === undefined ? (
          <Skeleton />
        ) : null
      ) : (
        <>
          <UsageTiles total={days.data.total} />
          <UsageChart bars={barsOf(days.data.rows, from, to)} />
        </>
      )}
      {table.data === undefined && days.data === undefined && error !== undefined ? null : (
        <div className="mt-2 flex flex-wrap items-center gap-2">
          <Segments label={STRINGS.by} value={by} options={groups} names={STRINGS.groups} onChange={setBy} />
          <Select
            label={STRINGS.second}
            value={then ?? NONE}
            options={[
              { value: NONE, label: STRINGS.secondNone },
              ...groups.filter((group) => group !== by).map(secondGroup),
            ]}
            onChange={(value) => setThen(groups.find((group) => group === value))}
            className="border bg-surface"
          />
        </div>
      )}
      {table.data === undefined ? (
        table.error === undefined ? (
          <div aria-hidden className="skeleton h-48 rounded-lg!" />
        ) : null
      ) : (
        <UsageTable rows={sortRows(table.data.rows, by)} groups={tableGroups} />
      )}
    </div>
  );
}

function secondGroup(group: ShownGroup): Option {
  const label = STRINGS.groups[group];
  return { value: group, label, shown: STRINGS.secondBy(label) };
}

function useUsage(path: string, query: URLSearchParams, keepPreviousData: boolean) {
  return useSWR<UsageReport, Error>(`${path}?${query}`, () => fetchUsage(path, query), {
    refreshInterval: REFRESH_MS,
    keepPreviousData,
  });
}

function Skeleton() {
  return (
    <div aria-hidden className="flex flex-col gap-3">
      <div className="grid grid-cols-2 gap-3 xl:grid-cols-4">
        {['requests', 'tokens', 'saved', 'code'].map((tile) => (
          <div key={tile} className="skeleton h-32 rounded-lg!" />
        ))}
      </div>
      <div className="skeleton h-[15.5rem] rounded-lg!" />
    </div>
  );
}
