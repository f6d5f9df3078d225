'use client';

import { UsageOf, useUsageScope } from '#components/admin/usage-of';
import { UsageView } from '#components/people/usage-view';
import { useMe } from '../people/use-me.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { usage: STRINGS } = SERVER_ADMIN_STRINGS;

/** What everyone has used, or one person or key: by day, person, group, model and key. */
export function Usage() {
  const hasAccounts = useMe().data?.auth === 'accounts';
  const scope = useUsageScope();
  return (
    <div className="flex flex-col gap-4">
      <p className="text-ink-2 text-sm">{STRINGS.hint}</p>
      {scope === undefined ? null : <UsageOf {...scope} />}
      <UsageView
        path="/api/admin/usage"
        groups={
          scope?.kind === 'user'
            ? ['day', 'model', 'key']
            : scope?.kind === 'key'
              ? ['day', 'model']
              : hasAccounts
                ? ['day', 'user', 'group', 'model', 'key']
                : ['day', 'model', 'key']
        }
        {...(scope === undefined ? {} : { filter: { [scope.kind]: scope.id } })}
        // A choice that the other page does not have must not stay.
        key={scope === undefined ? 'everyone' : `${scope.kind} ${scope.id}`}
        hasCsv
      />
    </div>
  );
}
