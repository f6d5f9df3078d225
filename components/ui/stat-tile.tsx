import type { ReactNode } from 'react';
import { StatusDot } from '#components/ui/status-dot';
import { TextWithCode } from '#components/ui/text-with-code';
import type { ServiceStatus } from '#lib/browser/service-status';

interface StatTileProps {
  title: string;
  value: string;
  unit: string;
  children: ReactNode;
}

/** A headline figure with its details. */
export function StatTile({ title, value, unit, children }: StatTileProps) {
  return (
    <article aria-label={title} className="min-w-0 rounded-lg border bg-surface p-4">
      <h2 className="text-ink-2 text-sm">{title}</h2>
      <p className="mt-1 flex flex-wrap items-baseline gap-x-2">
        <span className="font-semibold text-2xl tracking-tight tabular">{value}</span>
        <span className="text-ink-2 text-sm">{unit}</span>
      </p>
      <ul className="mt-3 flex flex-col gap-1 border-t pt-3 text-ink-2 text-sm tabular">{children}</ul>
    </article>
  );
}

/** One detail of a tile: the state of a service as a dot and a sentence. */
export function StatusLine({ name, status }: { name: string; status: ServiceStatus }) {
  return (
    <li className="flex gap-2">
      <StatusDot level={status.level} className="mt-1.5" />
      <span className="min-w-0 [overflow-wrap:anywhere]">
        <span className="sr-only">{name}: </span>
        <TextWithCode text={status.sentence} />
      </span>
    </li>
  );
}
