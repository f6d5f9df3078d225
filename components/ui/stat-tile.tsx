import clsx from 'clsx';
import type { ReactNode } from 'react';
import type { ServiceStatus, StatusLevel } from '#lib/browser/service-status';

interface StatTileProps {
  question: string;
  value: string;
  unit: string;
  children: ReactNode;
}

/** A headline figure with its details. */
export function StatTile({ question, value, unit, children }: StatTileProps) {
  return (
    <section aria-label={question} className="min-w-0 rounded-lg border bg-surface p-4">
      <h2 className="text-ink-2 text-sm">{question}</h2>
      <p className="mt-1 flex flex-wrap items-baseline gap-x-2">
        <span className="font-semibold text-2xl tracking-tight tabular">{value}</span>
        <span className="text-ink-2 text-sm">{unit}</span>
      </p>
      <ul className="mt-3 flex flex-col gap-1 border-t pt-3 text-ink-2 text-sm tabular">{children}</ul>
    </section>
  );
}

const DOTS: Record<StatusLevel, string> = { good: 'bg-good', warn: 'bg-warn', error: 'bg-error', unknown: 'bg-ink-3' };

/** One detail of a tile: the state of a service as a dot and a sentence. */
export function StatusLine({ name, status }: { name: string; status: ServiceStatus }) {
  return (
    <li className="flex gap-2">
      <span className={clsx('mt-1.5 size-2 shrink-0 rounded-full', DOTS[status.level])} />
      <span className="min-w-0 [overflow-wrap:anywhere]">
        <span className="sr-only">{name}: </span>
        {status.sentence}
      </span>
    </li>
  );
}
