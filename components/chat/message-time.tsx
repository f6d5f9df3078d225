import clsx from 'clsx';
import { formatMessageTime } from './format-message-time.ts';

/** When a message was written: for a mouse only on hover and focus of its turn. */
export function MessageTime({ at, className }: { at: number; className?: string }) {
  return (
    <time
      dateTime={new Date(at).toISOString()}
      className={clsx(
        'tabular text-ink-3 text-xs group-focus-within/turn:visible group-hover/turn:visible pointer-fine:invisible',
        className,
      )}
    >
      {formatMessageTime(at, Date.now())}
    </time>
  );
}
