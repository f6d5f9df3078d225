import './globals.css';
import geist from '@fontsource-variable/geist/files/geist-latin-wght-normal.woff2';
import type { Metadata, Viewport } from 'next';
import { cookies, headers } from 'next/headers';
import type { ReactNode } from 'react';
import { preload } from 'react-dom';
import { AppShell } from '#components/shell/app-shell';
import { Providers } from '#components/shell/providers';
import { parseTheme, THEME_COOKIE } from '#lib/client/theme';

export const metadata: Metadata = {
  title: { default: 'Chill Space', template: '%s · Chill Space' },
  description: 'Chat with your own models, run code in a sandbox, and see how it all does.',
  icons: { icon: '/icon.svg', apple: '/apple-icon.png' },
  manifest: '/manifest.webmanifest',
};

export const viewport: Viewport = {
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f5f6f8' },
    { media: '(prefers-color-scheme: dark)', color: '#0b0c0f' },
  ],
  interactiveWidget: 'resizes-content',
};

// The cookie and the nonce make every page dynamic, which is what gives each its own policy.
export default async function RootLayout({ children }: { children: ReactNode }) {
  const [jar, incoming] = await Promise.all([cookies(), headers()]);
  // Else a browser learns of it when the styles have come, and draws every page twice: before it and after.
  preload(geist, { as: 'font', type: 'font/woff2', crossOrigin: 'anonymous' });
  const theme = parseTheme(jar.get(THEME_COOKIE)?.value);
  return (
    <html lang="en" data-theme={theme}>
      <body>
        <Providers nonce={incoming.get('x-nonce') ?? ''}>
          <AppShell theme={theme}>{children}</AppShell>
        </Providers>
      </body>
    </html>
  );
}
