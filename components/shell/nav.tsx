'use client';

import clsx from 'clsx';
import { ChartNoAxesColumn, MessageSquare, Route, SquareTerminal } from 'lucide-react';
import { usePathname } from 'next/navigation';
import { PageLink } from '#components/shell/page-link';
import { NAV_ICON, NAV_ITEM } from './nav-item.ts';
import { SHELL_STRINGS } from './strings.ts';

const PAGES = [
  { href: '/', label: SHELL_STRINGS.chat, icon: MessageSquare },
  { href: '/playground', label: SHELL_STRINGS.playground, icon: SquareTerminal },
  { href: '/dashboard', label: SHELL_STRINGS.dashboard, icon: ChartNoAxesColumn },
  { href: '/gateway', label: SHELL_STRINGS.gateway, icon: Route },
] as const;

/** Links to the pages: a column in the rail, a row in the bar of phones. */
export function Nav({ hidesGateway }: { hidesGateway: boolean }) {
  const path = usePathname();
  const pages = hidesGateway ? PAGES.filter(({ href }) => href !== '/gateway') : PAGES;
  return (
    <nav
      aria-label={SHELL_STRINGS.pages}
      className="flex flex-auto grow-4 rail:w-full rail:flex-none rail:flex-col rail:gap-1"
    >
      {pages.map(({ href, label, icon: Icon }) => {
        const current = path === href;
        return (
          <PageLink
            key={href}
            href={href}
            aria-current={current ? 'page' : undefined}
            className={clsx(
              NAV_ITEM,
              current ? 'font-medium text-ink rail:bg-pressed' : 'text-ink-2 hover:bg-hover hover:text-ink',
            )}
          >
            <span className={clsx(NAV_ICON, current && 'bar:bg-pressed')}>
              <Icon className="size-[1.125rem]" strokeWidth={current ? 2.1 : 1.75} aria-hidden />
            </span>
            {label}
          </PageLink>
        );
      })}
    </nav>
  );
}
