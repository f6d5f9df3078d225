'use client';

import clsx from 'clsx';
import { usePathname } from 'next/navigation';
import type { ReactNode } from 'react';
import { Failure } from '#components/people/failure';
import { ListSkeleton } from '#components/people/section';
import { PageBar } from '#components/shell/page-bar';
import { PageLink } from '#components/shell/page-link';
import { buttonClasses } from '#components/ui/button';
import { Notice } from '#components/ui/notice';
import { OperatorDetails } from '#components/ui/operator-details';
import type { Me } from '#lib/wire/people';
import { useMe } from '../people/use-me.ts';
import { SECTIONS, sectionsFor } from './sections.ts';
import { ADMIN_STRINGS as STRINGS } from './strings/frame.ts';

/** Makes the region scrollable by keyboard. */
const SCROLLABLE = { tabIndex: 0, role: 'region', 'aria-label': STRINGS.title } as const;

/** On phones the row of sections is wider than the screen. */
function showCurrent(link: HTMLAnchorElement | null): void {
  link?.scrollIntoView({ block: 'nearest', inline: 'center' });
}

interface AdminFrameProps {
  /** Of the server-rendered page: the sections are there at once, and move nothing. */
  initialMe: Me | undefined;
  children: ReactNode;
}

/** Title, sections and the section that is open: a column of links, or a row that scrolls. */
export function AdminFrame({ initialMe, children }: AdminFrameProps) {
  const path = usePathname();
  const me = useMe();
  const known = me.data ?? initialMe;
  const hasAccounts = known?.auth === 'accounts';
  const sections = known === undefined ? [] : sectionsFor({ role: known.user.role, hasAccounts });
  const current = SECTIONS.find((section) => section.path === path);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <PageBar>
        <h1 className="ps-2 font-medium text-sm">
          {STRINGS.title}
          {current === undefined ? null : <span className="font-normal text-ink-2"> · {current.label}</span>}
        </h1>
      </PageBar>
      <div className="flex min-h-0 flex-1 flex-col lg:flex-row">
        <nav
          aria-label={STRINGS.sections}
          className="flex shrink-0 gap-1 overflow-x-auto border-b px-3 py-1.5 [scrollbar-width:none] empty:hidden lg:w-48 lg:flex-col lg:overflow-x-visible lg:border-e lg:border-b-0 lg:p-3"
        >
          {sections.map(({ path: href, label }) => (
            <PageLink
              key={href}
              href={href}
              aria-current={href === path ? 'page' : undefined}
              ref={href === path ? showCurrent : undefined}
              className={clsx(
                'flex min-h-8 shrink-0 items-center rounded-md px-2.5 text-sm transition-colors pointer-coarse:min-h-10',
                href === path ? 'bg-pressed font-medium text-ink' : 'text-ink-2 hover:bg-hover hover:text-ink',
              )}
            >
              {label}
            </PageLink>
          ))}
        </nav>
        <div className="scroller min-h-0 min-w-0 flex-1" {...SCROLLABLE}>
          <div className="mx-auto max-w-[64rem] p-4 pb-10 md:p-6">
            {me.data === undefined ? (
              me.error === undefined ? (
                <ListSkeleton />
              ) : (
                <Failure error={me.error} onRetry={() => void me.mutate()} />
              )
            ) : current?.needsAccounts === true && !hasAccounts ? (
              <Notice>
                {STRINGS.noAccounts}
                <OperatorDetails text={STRINGS.noAccountsDetails} />
              </Notice>
            ) : current === undefined || sections.includes(current) ? (
              children
            ) : (
              <NotAllowed isForManagers={current.isForManagers} />
            )}
          </div>
        </div>
      </div>
    </div>
  );
}

function NotAllowed({ isForManagers }: { isForManagers: boolean }) {
  return (
    <Notice
      kind="warn"
      action={
        <PageLink href="/account" className={buttonClasses('secondary', 'sm')}>
          {STRINGS.toAccount}
        </PageLink>
      }
    >
      {isForManagers ? STRINGS.notAllowed : STRINGS.onlyAdministrators}
    </Notice>
  );
}
