'use client';

import { ChangeList } from '#components/people/change-list';
import { LoadMore } from '#components/people/load-more';
import { LoadState } from '#components/people/load-state';
import { Section } from '#components/people/section';
import { formatDateTime } from '#lib/browser/format-date';
import type { AuditEntry } from '#lib/wire/people';
import { usePaged } from '../people/use-paged.ts';
import { CHANGES_PATH, fetchChanges } from './account-api.ts';
import { ACCOUNT_STRINGS } from './strings.ts';

const { changes: STRINGS } = ACCOUNT_STRINGS;

/** What others changed of the person: role, group, limits, keys, requests. The newest first. */
export function ChangesSection() {
  const list = usePaged(CHANGES_PATH, fetchChanges, (page) => page.entries);
  const { items, error } = list;
  const isEmpty = items?.length === 0;
  return (
    <Section id="changes" title={STRINGS.title} hint={isEmpty ? undefined : STRINGS.hint}>
      <LoadState data={items} error={error} onRetry={list.reload} rows={2} />
      {isEmpty ? <p className="text-ink-3 text-sm">{STRINGS.empty}</p> : null}
      {items === undefined || isEmpty ? null : (
        <ul className="flex flex-col">
          {items.map((entry) => (
            <Entry key={entry.id} entry={entry} />
          ))}
        </ul>
      )}
      <LoadMore list={list} />
    </Section>
  );
}

function Entry({ entry: { at, actor, summary, changes } }: { entry: AuditEntry }) {
  return (
    <li className="flex min-w-0 flex-col gap-0.5 border-t py-2 text-sm">
      <p className="[overflow-wrap:anywhere] first-letter:uppercase">{summary}</p>
      <ChangeList changes={changes} />
      <p className="text-ink-3 text-xs">
        <time dateTime={at}>{STRINGS.by(actor?.name, formatDateTime(at))}</time>
      </p>
    </li>
  );
}
