'use client';

import { UsageOf, type UsageScope, useUsageScope } from '#components/admin/usage-of';
import { UsageView } from '#components/people/usage-view';
import type { ShownGroup } from '../people/usage-figures.ts';
import { useMe } from '../people/use-me.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { usage: STRINGS } = SERVER_ADMIN_STRINGS;
const ALL: readonly ShownGroup[] = ['day', 'user', 'group', 'model', 'key'];
const WITHOUT_ACCOUNTS: readonly ShownGroup[] = ['day', 'model', 'key'];
const GROUPS_OF: Record<UsageScope['kind'], readonly ShownGroup[]> = {
  user: ['day', 'model', 'key'],
  group: ['day', 'user', 'model', 'key'],
  key: ['day', 'model'],
};

/** What everyone has used, or one person, group or key: by day, person, group, model and key. */
export function Usage() {
  const hasAccounts = useMe().data?.auth === 'accounts';
  const scope = useUsageScope();
  return (
    <div className="flex flex-col gap-4">
      <p className="text-ink-2 text-sm">{STRINGS.hint}</p>
      {scope === undefined ? null : <UsageOf {...scope} />}
      <UsageView
        path="/api/admin/usage"
        groups={scope === undefined ? (hasAccounts ? ALL : WITHOUT_ACCOUNTS) : GROUPS_OF[scope.kind]}
        {...(scope === undefined ? {} : { filter: { [scope.kind]: scope.id } })}
        // A choice that the other page does not have must not stay.
        key={scope === undefined ? 'everyone' : `${scope.kind} ${scope.id}`}
        hasCsv
      />
    </div>
  );
}
