import clsx from 'clsx';
import type { StatusLevel } from '#lib/browser/service-status';

const COLOURS: Record<StatusLevel, string> = {
  good: 'bg-good',
  warn: 'bg-warn',
  error: 'bg-error',
  unknown: 'bg-ink-3',
};

/** The state of a service as a dot. An error has a ring, so that colour is not all there is. */
export function StatusDot({ level, className }: { level: StatusLevel; className?: string }) {
  return (
    <span
      data-level={level}
      className={clsx(
        'status-dot size-2 shrink-0 rounded-full',
        COLOURS[level],
        level === 'error' && 'outline outline-[1.5px] outline-error outline-offset-[1.5px]',
        className,
      )}
    />
  );
}
