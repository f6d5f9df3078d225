'use client';

import { X } from 'lucide-react';
import { useSearchParams } from 'next/navigation';
import useSWR from 'swr';
import { PageLink } from '#components/shell/page-link';
import { ICON_BUTTON } from '#components/ui/icon-button';
import { tip } from '#components/ui/tooltip';
import { fetchKey, fetchMember } from './admin-api.ts';
import { GROUP_SOURCE, useOption } from './search-source.ts';
import { SERVER_ADMIN_STRINGS } from './strings/server.ts';

const { usage: STRINGS } = SERVER_ADMIN_STRINGS;

/** Whose usage the page shows. */
export interface UsageScope {
  kind: 'user' | 'group' | 'key';
  id: string;
}

export const USAGE_PATH = '/admin/usage';

/** The address of the page with the usage of one person, group or key. */
export function usageOf({ kind, id }: UsageScope): string {
  return `${USAGE_PATH}?${new URLSearchParams({ [kind]: id })}`;
}

/** The person, group or key that the address names; undefined for everyone. */
export function useUsageScope(): UsageScope | undefined {
  const query = useSearchParams();
  for (const kind of ['user', 'group', 'key'] as const) {
    const id = query.get(kind);
    if (id !== null && id !== '') return { kind, id };
  }
  return undefined;
}

/** Whose usage it is, with the way back to that of everyone. */
export function UsageOf({ kind, id }: UsageScope) {
  const person = useSWR(kind === 'user' ? ['admin-user', id] : null, () => fetchMember(id));
  const key = useSWR(kind === 'key' ? ['admin-key', id] : null, () => fetchKey(id));
  const group = useOption(GROUP_SOURCE, kind === 'group' ? id : undefined);
  // One that was deleted has no name any more, and its usage all the same.
  const name = person.data?.name ?? group.data?.label ?? key.data?.name ?? id;
  const owner = key.data?.owner?.name ?? key.data?.group?.name;
  const words = kind === 'key' ? STRINGS.ofKey(name, owner) : STRINGS.of(name);
  return (
    <p className="flex min-w-0 items-center gap-1 text-sm">
      <span className="min-w-0 font-medium [overflow-wrap:anywhere]">{words}</span>
      <PageLink href={USAGE_PATH} aria-label={STRINGS.everyone} className={ICON_BUTTON} {...tip(STRINGS.everyone)}>
        <X className="size-4" aria-hidden />
      </PageLink>
    </p>
  );
}
