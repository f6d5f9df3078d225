import type { ReactNode } from 'react';

/** The one line on top of each page: what it is, and what can be done with all of it. */
export function PageBar({ children }: { children: ReactNode }) {
  return <div className="flex h-13 shrink-0 items-center gap-1 border-b px-2 md:px-3">{children}</div>;
}
