'use client';

import { CSPProvider } from '@base-ui/react/csp-provider';
import { createContext, type ReactNode, useContext } from 'react';
import { SWRConfig } from 'swr';
import { TooltipLayer } from '#components/ui/tooltip';

const NonceContext = createContext('');

/** The nonce of this document, for what has to write a `<style>` of its own. */
export function useNonce(): string {
  return useContext(NonceContext);
}

export function Providers({ nonce, children }: { nonce: string; children: ReactNode }) {
  return (
    <CSPProvider nonce={nonce}>
      <NonceContext value={nonce}>
        <SWRConfig value={{ keepPreviousData: true }}>
          {children}
          <TooltipLayer />
        </SWRConfig>
      </NonceContext>
    </CSPProvider>
  );
}
