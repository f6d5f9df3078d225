'use client';

import { ListTable } from '#components/admin/list-table';
import { LoadMore } from '#components/admin/load-more';
import { LoadState } from '#components/people/load-state';
import { EmptyList } from '#components/people/section';
import { formatDateTime } from '#lib/browser/format-date';
import { usePaged } from '../people/use-paged.ts';
import { fetchAudit, PATHS } from './admin-api.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { audit: STRINGS } = SERVER_ADMIN_STRINGS;

/** Who changed what, the newest first. */
export function Audit() {
  const list = usePaged(PATHS.audit, fetchAudit, (page) => page.entries);
  const { items, error } = list;
  return (
    <div className="flex flex-col gap-4">
      <p className="text-ink-2 text-sm">{STRINGS.hint}</p>
      <LoadState data={items} error={error} onRetry={list.reload} rows={8} />
      {items === undefined ? null : items.length === 0 ? (
        <EmptyList title={STRINGS.empty} />
      ) : (
        <ListTable
          label={ADMIN_STRINGS.audit}
          columns={[
            { label: STRINGS.columns.what },
            { label: STRINGS.columns.who, className: 'w-44' },
            { label: STRINGS.columns.when, className: 'w-44' },
            { label: STRINGS.columns.from, className: 'w-36' },
          ]}
          rows={items.map(({ id, at, actor, action, summary, address }) => ({
            key: id,
            cells: [
              <span key="what" className="block min-w-0">
                <span className="block [overflow-wrap:anywhere] first-letter:uppercase">{summary}</span>
                <code className="font-mono text-ink-3 text-xs">{action}</code>
              </span>,
              actor?.name ?? STRINGS.server,
              <time key="when" dateTime={at}>
                {formatDateTime(at)}
              </time>,
              address,
            ],
          }))}
        />
      )}
      <LoadMore list={list} />
    </div>
  );
}
