'use client';

import { CSPProvider } from '@base-ui/react/csp-provider';
import { createContext, type ReactNode, useContext } from 'react';
import { SWRConfig, type SWRConfiguration } from 'swr';
import { TooltipLayer } from '#components/ui/tooltip';

const NonceContext = createContext('');

/** The nonce of this document, for what has to write a `<style>` of its own. */
export function useNonce(): string {
  return useContext(NonceContext);
}

/** Asks on at the same pace while nobody answers: SWR's own pauses grow to minutes, and a page should be back with its server. */
const POLLING: SWRConfiguration = {
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
