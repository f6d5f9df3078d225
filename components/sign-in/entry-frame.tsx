import type { ReactNode } from 'react';

/** The pages before one is signed in: one narrow column. */
export function EntryFrame({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="scroller flex flex-1 items-start justify-center px-4 pt-[min(14vh,8rem)] pb-8">
      <div className="w-full max-w-90 text-pretty">
        <h1 className="font-semibold text-xl">{title}</h1>
        {children}
      </div>
    </div>
  );
}
