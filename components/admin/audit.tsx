'use client';

import { useState } from 'react';
import { ChoiceFilter, DayFilter, SearchFilter } from '#components/admin/list-filter';
import { ListTable } from '#components/admin/list-table';
import { ChangeList } from '#components/people/change-list';
import { LoadMore } from '#components/people/load-more';
import { LoadState } from '#components/people/load-state';
import { EmptyList } from '#components/people/section';
import { Button } from '#components/ui/button';
import { formatDateTime } from '#lib/browser/format-date';
import type { AuditEntry, AuditKind } from '#lib/wire/people';
import { usePaged } from '../people/use-paged.ts';
import { fetchAudit } from './admin-api.ts';
import { type AuditSearch, auditPath, isFiltered, NO_FILTER } from './audit-path.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';
import { useSettled } from './use-settled.ts';

const { audit: STRINGS } = SERVER_ADMIN_STRINGS;

/** Who changed what, the newest first; limited by what it was about, by name and by day. */
export function Audit() {
  const [filter, setFilter] = useState(NO_FILTER);
  const list = usePaged(auditPath({ ...filter, who: useSettled(filter.who) }), fetchAudit, (page) => page.entries);
  const { items, error } = list;
  return (
    <div className="flex flex-col gap-4">
      <p className="text-ink-2 text-sm">{STRINGS.hint}</p>
      <AuditFilters filter={filter} onChange={setFilter} />
      <LoadState data={items} error={error} onRetry={list.reload} rows={8} />
      {items === undefined ? null : items.length > 0 ? (
        <AuditTable entries={items} />
      ) : isFiltered(filter) ? (
        <EmptyList title={STRINGS.noMatch}>
          <Button onClick={() => setFilter(NO_FILTER)}>{STRINGS.clear}</Button>
        </EmptyList>
      ) : (
        <EmptyList title={STRINGS.empty} />
      )}
      <LoadMore list={list} />
    </div>
  );
}

interface AuditFiltersProps {
  filter: AuditSearch;
  onChange: (filter: AuditSearch) => void;
}

const KINDS: Record<AuditKind, string> = STRINGS.kinds;

function AuditFilters({ filter, onChange }: AuditFiltersProps) {
  const { kind, who, from, to } = filter;
  return (
    <div className="flex flex-wrap items-center gap-2">
      <SearchFilter label={STRINGS.who} value={who} onChange={(next) => onChange({ ...filter, who: next })} />
      <ChoiceFilter
        label={STRINGS.kind}
        value={kind}
        options={[
          { value: '', label: STRINGS.anyKind },
          ...Object.entries(KINDS).map(([value, label]) => ({ value, label })),
        ]}
        onChange={(next) => onChange({ ...filter, kind: isKind(next) ? next : '' })}
      />
      <DayFilter
        label={STRINGS.from}
        value={from}
        {...(to === '' ? {} : { max: to })}
        onChange={(next) => onChange({ ...filter, from: next })}
      />
      <DayFilter
        label={STRINGS.to}
        value={to}
        {...(from === '' ? {} : { min: from })}
        onChange={(next) => onChange({ ...filter, to: next })}
      />
    </div>
  );
}

function isKind(value: string): value is AuditKind {
  return Object.hasOwn(KINDS, value);
}

function AuditTable({ entries }: { entries: readonly AuditEntry[] }) {
  return (
    <ListTable
      label={ADMIN_STRINGS.audit}
      columns={[
        { label: STRINGS.columns.what },
        { label: STRINGS.columns.who, className: 'w-44' },
        { label: STRINGS.columns.when, className: 'w-44' },
        { label: STRINGS.columns.from, className: 'w-36' },
      ]}
      rows={entries.map(({ id, at, actor, action, target, target_name: targetName, summary, changes, address }) => ({
        key: id,
        cells: [
          <div key="what" className="min-w-0">
            <span className="block [overflow-wrap:anywhere] first-letter:uppercase">{summary}</span>
            <ChangeList changes={changes} />
            <code className="font-mono text-ink-3 text-xs [overflow-wrap:anywhere]">
              {targetName === null ? action : `${action} ${target ?? ''}`}
            </code>
          </div>,
          actor?.name ?? STRINGS.server,
          <time key="when" dateTime={at}>
            {formatDateTime(at)}
          </time>,
          address,
        ],
      }))}
    />
  );
}
