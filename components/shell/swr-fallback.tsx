'use client';

import type { ReactNode } from 'react';
import { SWRConfig } from 'swr';

interface SwrFallbackProps {
  /** Server-rendered responses by SWR key. */
  data: Record<string, unknown>;
  children: ReactNode;
}

/** Shows the data of the server-rendered page until the first fetch. */
export function SwrFallback({ data, children }: SwrFallbackProps) {
  return <SWRConfig value={{ fallback: data }}>{children}</SWRConfig>;
}
