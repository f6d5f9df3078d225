'use client';

import { useState } from 'react';
import useSWR from 'swr';
import { LimitsDialog } from '#components/admin/limits-dialog';
import { LoadMore } from '#components/people/load-more';
import { LoadState } from '#components/people/load-state';
import { EmptyList } from '#components/people/section';
import { PageLink } from '#components/shell/page-link';
import { Button, buttonClasses } from '#components/ui/button';
import { formatCount } from '#lib/browser/format';
import type { LimitScope, ScopedLimits } from '#lib/wire/limits';
import { LIMITS } from '../people/limit-list.ts';
import { PEOPLE_STRINGS } from '../people/strings.ts';
import { useMe } from '../people/use-me.ts';
import { usePaged } from '../people/use-paged.ts';
import { fetchKey, fetchMember } from './admin-api.ts';
import { fetchLimits, LIMITS_PATH } from './limits-api.ts';
import { GROUP_SOURCE, useOption } from './search-source.ts';
import { ADMIN_STRINGS } from './strings/frame.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { limits: STRINGS } = SERVER_ADMIN_STRINGS;

interface Opened {
  scope: LimitScope;
  name: string;
}

/** The limits of everyone, and of the groups, people and keys that have their own. */
export function Limits() {
  const list = usePaged(LIMITS_PATH, fetchLimits, (page) => page.limits);
  const isAdmin = useMe().data?.user.role === 'admin';
  const [opened, setOpened] = useState<Opened>();
  const [isOpen, setOpen] = useState(false);
  const { items, error } = list;
  const open = (scope: LimitScope, name: string) => {
    setOpened({ scope, name });
    setOpen(true);
  };
  return (
    <div className="flex flex-col gap-4">
      <p className="text-ink-2 text-sm">{STRINGS.hint}</p>
      <LoadState data={items} error={error} onRetry={list.reload} />
      {items === undefined ? null : (
        <ul>
          {items.map((entry) => (
            <ScopeRow
              key={`${entry.scope.kind} ${entry.scope.id}`}
              entry={entry}
              // Managers see what applies to everyone, and change it for their group.
              mayChange={isAdmin || entry.scope.kind !== 'default'}
              onOpen={open}
            />
          ))}
        </ul>
      )}
      {items?.length === 1 ? (
        <EmptyList title={STRINGS.empty} hint={STRINGS.emptyHint}>
          <div className="flex flex-wrap gap-2">
            <PageLink href="/admin/people" className={buttonClasses('secondary', 'md')}>
              {ADMIN_STRINGS.people}
            </PageLink>
            <PageLink href="/admin/groups" className={buttonClasses('secondary', 'md')}>
              {ADMIN_STRINGS.groups}
            </PageLink>
          </div>
        </EmptyList>
      ) : null}
      <LoadMore list={list} />
      {opened === undefined ? null : (
        <LimitsDialog
          open={isOpen}
          onOpenChange={setOpen}
          scope={opened.scope}
          name={opened.name}
          onChange={list.reload}
        />
      )}
    </div>
  );
}

interface ScopeRowProps {
  entry: ScopedLimits;
  mayChange: boolean;
  onOpen: (scope: LimitScope, name: string) => void;
}

function ScopeRow({ entry: { scope, limits }, mayChange, onOpen }: ScopeRowProps) {
  const name = useScopeName(scope);
  const facts = LIMITS.flatMap(({ name: limit }) => {
    const found = limits[limit];
    if (found === undefined) return [];
    const figure = found.limit === 0 ? STRINGS.noneShort : formatCount(found.limit);
    return STRINGS.fact(PEOPLE_STRINGS.limits.label(limit), found.kind === 'share' ? STRINGS.shared(figure) : figure);
  });
  return (
    <li className="flex min-h-14 min-w-0 flex-wrap items-center gap-x-4 gap-y-1 border-t py-2.5 text-sm">
      <div className="min-w-[min(14rem,100%)] flex-1 [overflow-wrap:anywhere]">
        <p className="font-medium">{name}</p>
        <p className="text-ink-2 text-xs tabular">{facts.length === 0 ? STRINGS.none : facts.join(' · ')}</p>
      </div>
      {mayChange ? (
        <Button size="sm" aria-label={STRINGS.editOf(name)} onClick={() => onOpen(scope, name)}>
          {STRINGS.edit}
        </Button>
      ) : null}
    </li>
  );
}

function useScopeName({ kind, id }: LimitScope): string {
  const group = useOption(GROUP_SOURCE, kind === 'group' ? id : undefined);
  const member = useSWR(kind === 'user' ? ['admin-user', id] : null, () => fetchMember(id));
  const key = useSWR(kind === 'key' ? ['admin-key', id] : null, () => fetchKey(id));
  if (kind === 'default') return STRINGS.everyone;
  if (kind === 'group') return STRINGS.group(group.data?.label ?? id);
  return kind === 'user' ? STRINGS.user(member.data?.name ?? id) : STRINGS.key(key.data?.name ?? id);
}
