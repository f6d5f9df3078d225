import type { ReactNode } from 'react';
import { Nav } from '#components/shell/nav';
import { PageLink } from '#components/shell/page-link';
import { ReferenceLink } from '#components/shell/reference-link';
import { StatusDots } from '#components/shell/status-dots';
import { ThemeToggle } from '#components/shell/theme-toggle';
import type { Theme } from './theme.ts';

interface AppShellProps {
  theme: Theme;
  /** The button that opens the command palette. Passed in, because the palette knows the chat. */
  commandPalette: ReactNode;
  children: ReactNode;
}

/** The frame of every page: navigation, status, and the page itself. */
export function AppShell({ theme, commandPalette, children }: AppShellProps) {
  return (
    <div className="flex h-dvh flex-col">
      {/* Takes a row while focused, so that it covers no control. */}
      <a
        href="#main"
        className="sr-only bg-ink text-canvas text-sm focus:not-sr-only focus:px-3 focus:py-2 focus:outline-canvas focus:outline-offset-[-4px]"
      >
        Skip to the page
      </a>
      <div className="flex min-h-0 flex-1 flex-col md:flex-row">
        <header className="flex h-12 shrink-0 items-center justify-between border-b bg-sunken px-1.5 md:h-auto md:w-[5.25rem] md:flex-col md:border-r md:border-b-0 md:px-1.5 md:py-3">
          <div className="flex items-center md:w-full md:flex-col md:gap-4">
            <PageLink
              href="/"
              aria-label="Chill Space"
              className="hidden rounded-md text-ink min-[30rem]:block min-[30rem]:p-2 md:p-0"
            >
              <Mark />
            </PageLink>
            <Nav />
          </div>
          <div className="flex items-center md:w-full md:flex-col md:gap-1">
            <StatusDots />
            {commandPalette}
            <ReferenceLink />
            <ThemeToggle initial={theme} />
          </div>
        </header>
        <main id="main" tabIndex={-1} className="flex min-h-0 min-w-0 flex-1 flex-col outline-none">
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
