'use client';

import type { ReactNode } from 'react';
import { SWRConfig } from 'swr';

interface SwrFallbackProps {
  /** By the name under which a part of the page asks for it. */
  data: Record<string, unknown>;
  children: ReactNode;
}

/** What the server already knew when it rendered the page: shown until the page has asked for itself, which it does at once. */
export function SwrFallback({ data, children }: SwrFallbackProps) {
  return <SWRConfig value={{ fallback: data }}>{children}</SWRConfig>;
}
