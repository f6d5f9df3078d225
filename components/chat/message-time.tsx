import { formatMessageTime } from './format-message-time.ts';

/** When a message was written: for a mouse only on hover and focus of its turn. */
export function MessageTime({ at }: { at: number }) {
  return (
    <time
      dateTime={new Date(at).toISOString()}
      className="tabular px-1.5 text-ink-3 text-xs group-focus-within/turn:visible group-hover/turn:visible pointer-fine:invisible"
    >
      {formatMessageTime(at, Date.now())}
    </time>
  );
}
