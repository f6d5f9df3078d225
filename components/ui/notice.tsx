import clsx from 'clsx';
import { CircleAlert, Info, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';

type Kind = 'info' | 'warn' | 'error';

const KINDS = {
  info: { icon: Info, tint: 'bg-hover', mark: 'text-ink-2' },
  warn: { icon: TriangleAlert, tint: 'bg-warn-soft', mark: 'text-warn' },
  error: { icon: CircleAlert, tint: 'bg-error-soft', mark: 'text-error' },
} as const;

interface NoticeProps {
  kind?: Kind;
  /** At most one button: the next step. */
  action?: ReactNode;
  children: ReactNode;
  className?: string;
}

/** A message next to its cause. Errors are announced to screen readers. */
export function Notice({ kind = 'info', action, children, className }: NoticeProps) {
  const { icon: Icon, tint, mark } = KINDS[kind];
  return (
    <div
      role={kind === 'error' ? 'alert' : undefined}
      className={clsx('flex flex-wrap items-center gap-x-3 gap-y-2 rounded-md px-3 py-2 text-sm', tint, className)}
    >
      <div className="flex min-w-[min(12rem,60%)] flex-1 gap-3">
        <Icon className={clsx('mt-0.5 size-4 shrink-0', mark)} aria-hidden />
        <div className="min-w-0 text-ink [overflow-wrap:anywhere]">{children}</div>
      </div>
      {action}
    </div>
  );
}
