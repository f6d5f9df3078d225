'use client';

import clsx from 'clsx';
import { ChartNoAxesColumn, MessageSquare, Route, SquareTerminal } from 'lucide-react';
import { usePathname } from 'next/navigation';
import { PageLink } from '#components/shell/page-link';

const PAGES = [
  { href: '/', label: 'Chat', icon: MessageSquare },
  { href: '/playground', label: 'Playground', icon: SquareTerminal },
  { href: '/dashboard', label: 'Dashboard', icon: ChartNoAxesColumn },
  { href: '/gateway', label: 'Gateway', icon: Route },
] as const;

/** Links to the pages: a column on wide screens, a row on phones. */
export function Nav() {
  const path = usePathname();
  return (
    <nav aria-label="Pages" className="flex items-center gap-0.5 md:w-full md:flex-col md:gap-1">
      {PAGES.map(({ href, label, icon: Icon }) => {
        const current = path === href;
        return (
          <PageLink
            key={href}
            href={href}
            aria-current={current ? 'page' : undefined}
            className={clsx(
              'flex h-10 min-w-10 select-none items-center justify-center gap-1.5 rounded-md px-2 text-xs transition-colors',
              'md:h-auto md:w-full md:flex-col md:gap-1 md:px-0 md:py-2',
              current ? 'bg-pressed font-medium text-ink' : 'text-ink-2 hover:bg-hover hover:text-ink',
            )}
          >
            <Icon className="size-[1.125rem]" strokeWidth={current ? 2.1 : 1.75} aria-hidden />
            <span className={clsx('md:inline', current ? 'max-[22rem]:sr-only' : 'max-[26rem]:sr-only')}>{label}</span>
          </PageLink>
        );
      })}
    </nav>
  );
}
