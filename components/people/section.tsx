import type { ReactNode } from 'react';

interface SectionProps {
  /** The anchor of links to it. */
  id?: string;
  title: string;
  hint?: string | undefined;
  /** A button next to the title. */
  action?: ReactNode;
  children?: ReactNode;
}

/** A part of a page with its title, separated by a hairline. */
export function Section({ id, title, hint, action, children }: SectionProps) {
  return (
    <section id={id} aria-label={title} className="min-w-0 scroll-mt-4 border-t py-6 first:border-t-0 first:pt-0">
      <div className="mb-4 flex min-h-8 flex-wrap items-start justify-between gap-x-4 gap-y-2">
        <div className="min-w-0">
          <h2 className="font-semibold text-base">{title}</h2>
          {hint === undefined ? null : <p className="text-ink-2 text-sm">{hint}</p>}
        </div>
        {action}
      </div>
      {children}
    </section>
  );
}

/** Placeholder rows of a list. */
export function ListSkeleton({ rows = 4 }: { rows?: number }) {
  return (
    <div aria-hidden className="flex flex-col">
      {Array.from({ length: rows }, (_, row) => row).map((row) => (
        <div key={row} className="flex h-14 items-center border-t">
          <div className="skeleton h-8 w-full" />
        </div>
      ))}
    </div>
  );
}

/** An empty list: what it is for, and how it is filled. */
export function EmptyList({ title, hint, children }: { title: string; hint?: string; children?: ReactNode }) {
  return (
    <div className="flex flex-col items-start gap-3 border-t py-5 text-sm">
      <div>
        <p className="font-medium">{title}</p>
        {hint === undefined ? null : <p className="text-ink-2">{hint}</p>}
      </div>
      {children}
    </div>
  );
}
