'use client';

import { CSPProvider } from '@base-ui/react/csp-provider';
import { createContext, type ReactNode, useContext } from 'react';
import { type Middleware, SWRConfig, type SWRConfiguration } from 'swr';
import { LoadFailed } from '#components/ui/load-failed';
import { Toasts } from '#components/ui/toasts';
import { Tooltips } from '#components/ui/tooltips';

const NonceContext = createContext('');

/** The CSP nonce of this document, for components that write a `<style>`. */
export function useNonce(): string {
  return useContext(NonceContext);
}

/**
 * SWR middleware that fetches in a separate task: a page starts up to six fetches, which in one
 * task would delay input.
 */
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

/**
 * Retries at a constant pace. SWR's exponential backoff grows to minutes, but a page should
 * recover with its server.
 */
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
          <Tooltips />
          <Toasts />
          <LoadFailed />
        </SWRConfig>
      </NonceContext>
    </CSPProvider>
  );
}
