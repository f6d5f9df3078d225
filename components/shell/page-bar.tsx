import type { ReactNode } from 'react';

/** The bar at the top of each page: title and actions. */
export function PageBar({ children }: { children: ReactNode }) {
  return (
    <div className="page-bar flex h-13 shrink-0 items-center gap-1 border-b px-2 md:px-3 print:h-auto print:border-0 print:px-0">
      {children}
    </div>
  );
}
