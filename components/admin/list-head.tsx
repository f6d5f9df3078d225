import type { ReactNode } from 'react';

/** What a list is for, with the button that fills it. */
export function ListHead({ hint, children }: { hint: string; children?: ReactNode }) {
  return (
    <div className="flex flex-wrap items-center justify-between gap-2">
      <p className="min-w-[min(14rem,100%)] flex-1 text-ink-2 text-sm">{hint}</p>
      {children}
    </div>
  );
}
