'use client';

import { UsageView } from '#components/people/usage-view';
import { useMe } from '../people/use-me.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { usage: STRINGS } = SERVER_ADMIN_STRINGS;

/** What everyone has used: by day, person, group, model and key. */
export function Usage() {
  const hasAccounts = useMe().data?.auth === 'accounts';
  return (
    <div className="flex flex-col gap-4">
      <p className="text-ink-2 text-sm">{STRINGS.hint}</p>
      <UsageView
        path="/api/admin/usage"
        groups={hasAccounts ? ['day', 'user', 'group', 'model', 'key'] : ['day', 'model', 'key']}
        hasCsv
      />
    </div>
  );
}
