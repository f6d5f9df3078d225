import './globals.css';
import type { Metadata, Viewport } from 'next';
import { cookies, headers } from 'next/headers';
import type { ReactNode } from 'react';
import { CommandPalette } from '#components/command-palette/command-palette';
import { AppShell } from '#components/shell/app-shell';
import { TextFont } from '#components/shell/fonts';
import { Providers } from '#components/shell/providers';
import { currentBanner } from '#lib/people/admin/current-banner';
import { viewerOf } from '#lib/server/account';
import { SHELL_STRINGS } from '../components/shell/strings.ts';
import { parseTheme, THEME_COOKIE } from '../components/shell/theme.ts';

export const metadata: Metadata = {
  title: { default: SHELL_STRINGS.appName, template: SHELL_STRINGS.titleTemplate },
  description: SHELL_STRINGS.description,
  icons: { icon: '/icon.svg', apple: '/apple-icon.png' },
  manifest: '/manifest.webmanifest',
};

export const viewport: Viewport = {
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f5f6f8' },
    { media: '(prefers-color-scheme: dark)', color: '#0b0c0f' },
  ],
  interactiveWidget: 'resizes-content',
  // The frame keeps clear of notches and of the home indicator itself.
  viewportFit: 'cover',
};

// The cookie and the nonce make every page dynamic, so that each gets a policy of its response.
export default async function RootLayout({ children }: { children: ReactNode }) {
  const [jar, incoming] = await Promise.all([cookies(), headers()]);
  const { account, person, hidesGateway = false } = await viewerOf(incoming, Date.now());
  const theme = parseTheme(jar.get(THEME_COOKIE)?.value);
  return (
    <html lang="en" data-theme={theme}>
      <body>
        <TextFont />
        <Providers nonce={incoming.get('x-nonce') ?? ''}>
          <AppShell
            theme={theme}
            account={account}
            person={person}
            hidesGateway={hidesGateway}
            banner={currentBanner()}
            commandPalette={<CommandPalette hidesGateway={hidesGateway} />}
          >
            {children}
          </AppShell>
        </Providers>
      </body>
    </html>
  );
}
