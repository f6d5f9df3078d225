import type { ReactNode } from 'react';
import { AccountButton } from '#components/shell/account-button';
import { Announcement } from '#components/shell/announcement';
import { MoreButton } from '#components/shell/more-button';
import { Nav } from '#components/shell/nav';
import { OnScreenKeyboard } from '#components/shell/on-screen-keyboard';
import { PageLink } from '#components/shell/page-link';
import { ReferenceLink } from '#components/shell/reference-link';
import { SessionEnded } from '#components/shell/session-ended';
import { SkipLink } from '#components/shell/skip-link';
import { StatusDots } from '#components/shell/status-dots';
import { ThemeToggle } from '#components/shell/theme-toggle';
import type { Banner } from '#lib/wire/people-admin';
import type { Account, SignedInPerson } from './account.ts';
import { SHELL_STRINGS } from './strings.ts';
import type { Theme } from './theme.ts';

interface AppShellProps {
  theme: Theme;
  account: Account;
  /** Where the server has accounts. */
  person?: SignedInPerson | undefined;
  /** Leaves the gateway out of the navigation. */
  hidesGateway?: boolean;
  /** A message of the administrators to everyone. */
  banner?: Banner | null;
  /** The button that opens the command palette. Passed in, because the palette knows the chat. */
  commandPalette: ReactNode;
  children: ReactNode;
}

/**
 * The frame of every page: navigation, status, and the page itself. The navigation is a rail at the
 * left, or a bar at the lower edge of a narrow screen; what either has no space for is in a sheet.
 */
export function AppShell({
  theme,
  account,
  person,
  hidesGateway = false,
  banner = null,
  commandPalette,
  children,
}: AppShellProps) {
  return (
    <div className="frame flex h-[var(--frame-height,100dvh)] flex-col pt-[env(safe-area-inset-top)]">
      <SkipLink />
      <OnScreenKeyboard />
      <div className="flex min-h-0 flex-1 flex-col rail:flex-row">
        <header className="order-last flex shrink-0 border-t bg-sunken ps-[env(safe-area-inset-left)] pe-[env(safe-area-inset-right)] pb-[env(safe-area-inset-bottom)] keyboard:bar:hidden rail:order-none rail:w-[calc(5.25rem+env(safe-area-inset-left))] rail:flex-col rail:justify-between rail:gap-4 rail:overflow-y-auto rail:border-t-0 rail:border-r rail:ps-[calc(0.125rem+env(safe-area-inset-left))] rail:pe-0.5 rail:pt-2 rail:pb-[calc(0.5rem+env(safe-area-inset-bottom))] rail:[scrollbar-width:none] print:hidden">
          <div className="flex flex-auto rail:w-full rail:flex-none rail:flex-col rail:items-center rail:gap-1 tall:gap-4 tall:pt-1">
            <PageLink
              href="/"
              aria-label={SHELL_STRINGS.appName}
              className="hidden items-center justify-center rounded-md text-ink tall:flex pointer-coarse:min-h-10 pointer-coarse:min-w-10"
            >
              <Mark />
            </PageLink>
            <Nav hidesGateway={hidesGateway} />
            <MoreButton theme={theme} account={account} person={person} />
          </div>
          <div className="hidden w-full flex-col items-center gap-1 tall:flex">
            {account === 'signed_out' ? null : <StatusDots />}
            {commandPalette}
            <ReferenceLink />
            <ThemeToggle initial={theme} />
            <AccountButton account={account} person={person} />
          </div>
        </header>
        <main
          id="main"
          tabIndex={-1}
          className="flex min-h-0 min-w-0 flex-1 flex-col pe-[env(safe-area-inset-right)] outline-none bar:ps-[env(safe-area-inset-left)] rail:pb-[env(safe-area-inset-bottom)]"
        >
          {account === 'signed_out' ? null : <Announcement initial={banner} isLive={account === 'signed_in'} />}
          {account === 'signed_out' ? null : <SessionEnded />}
          {children}
        </main>
      </div>
    </div>
  );
}

/** The logo: a moon over a calm line. */
function Mark() {
  return (
    <svg viewBox="0 0 32 32" className="size-7" aria-hidden="true">
      <rect width="32" height="32" rx="9" className="fill-accent-fill" />
      <path
        d="M20.9 17.6A7.1 7.1 0 0 1 13.4 7.7a7.3 7.3 0 1 0 7.5 9.9Z"
        className="fill-on-accent"
        transform="translate(1.2 0.6)"
      />
      <path d="M8 24.5h16" className="stroke-on-accent" strokeWidth="2" strokeLinecap="round" />
    </svg>
  );
}
