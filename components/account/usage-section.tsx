'use client';

import { X } from 'lucide-react';
import { useSearchParams } from 'next/navigation';
import useSWR from 'swr';
import { Section } from '#components/people/section';
import { UsageView } from '#components/people/usage-view';
import { PageLink } from '#components/shell/page-link';
import { ICON_BUTTON } from '#components/ui/icon-button';
import { tip } from '#components/ui/tooltip';
import { fetchKeys } from '../people/people-api.ts';
import { ACCOUNT_STRINGS } from './strings.ts';

const { usage: STRINGS } = ACCOUNT_STRINGS;
const SECTION = 'usage';
const PATH = `/account#${SECTION}`;
const KEY = 'key';
const GROUPS = ['day', 'model', 'key'] as const;
const GROUPS_OF_KEY = ['day', 'model'] as const;

/** The address of the page with the usage of one key. */
export function usageOfKey(id: string): string {
  return `/account?${new URLSearchParams({ [KEY]: id })}#${SECTION}`;
}

/** What the person has used, or one of its keys, which the address names. */
export function UsageSection() {
  const key = useSearchParams().get(KEY) ?? '';
  return (
    <Section id={SECTION} title={STRINGS.title} hint={STRINGS.hint}>
      {key === '' ? (
        <UsageView path="/api/usage" groups={GROUPS} />
      ) : (
        <div className="flex min-w-0 flex-col gap-3">
          <OfKey id={key} />
          {/* A choice that the usage of all does not share must not stay. */}
          <UsageView key={key} path="/api/usage" groups={GROUPS_OF_KEY} filter={{ key }} />
        </div>
      )}
    </Section>
  );
}

/** Which key it is, with the way back to all usage. */
function OfKey({ id }: { id: string }) {
  const { data } = useSWR('keys', fetchKeys);
  // One that was revoked has no name any more, and its usage all the same.
  const name = data?.keys.find((key) => key.id === id)?.name ?? id;
  return (
    <p className="flex min-w-0 items-center gap-1 text-sm">
      <span className="min-w-0 font-medium [overflow-wrap:anywhere]">{STRINGS.ofKey(name)}</span>
      <PageLink href={PATH} aria-label={STRINGS.all} className={ICON_BUTTON} {...tip(STRINGS.all)}>
        <X className="size-4" aria-hidden />
      </PageLink>
    </p>
  );
}
