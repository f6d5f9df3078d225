'use client';

import { CSPProvider } from '@base-ui/react/csp-provider';
import { createContext, type ReactNode, useContext } from 'react';
import { type Middleware, SWRConfig, type SWRConfiguration } from 'swr';
import { TooltipLayer } from '#components/ui/tooltip';

const NonceContext = createContext('');

/** The nonce of this document, for what has to write a `<style>` of its own. */
export function useNonce(): string {
  return useContext(NonceContext);
}

/** Asks in a task of its own: a page that comes alive has up to six questions, which in one would keep it from who presses a key. */
const inItsOwnTask: Middleware = (useNext) => (key, fetcher, config) =>
  useNext(
    key,
    fetcher === null
      ? null
      : async (...question: Parameters<typeof fetcher>) => {
          await new Promise((resolve) => setTimeout(resolve));
          return fetcher(...question);
        },
    config,
  );

/** Asks on at the same pace while nobody answers: SWR's own pauses grow to minutes, and a page should be back with its server. */
const POLLING: SWRConfiguration = {
  use: [inItsOwnTask],
  keepPreviousData: true,
  onErrorRetry: (_error, _key, { errorRetryInterval }, revalidate, options) => {
    setTimeout(() => void revalidate(options), errorRetryInterval);
  },
};

export function Providers({ nonce, children }: { nonce: string; children: ReactNode }) {
  return (
    <CSPProvider nonce={nonce}>
      <NonceContext value={nonce}>
        <SWRConfig value={POLLING}>
          {children}
          <TooltipLayer />
        </SWRConfig>
      </NonceContext>
    </CSPProvider>
  );
}
