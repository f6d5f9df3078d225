'use client';

import clsx from 'clsx';
import { ArrowUp, Square } from 'lucide-react';
import { type KeyboardEvent, type RefObject, useId } from 'react';
import { tip } from '#components/ui/tooltip';
import { useStored } from '#lib/client/stored';

interface ComposerProps {
  field: RefObject<HTMLTextAreaElement | null>;
  /** Under which the draft is kept. */
  draftKey: string;
  running: boolean;
  onSend: (text: string) => void;
  onStop: () => void;
}

/** Where one writes: it grows with the text, keeps the draft, and leaves Enter alone while an input method composes. */
export function Composer({ field, draftKey, running, onSend, onStop }: ComposerProps) {
  const [draft, setDraft] = useStored(draftKey);
  const hint = useId();
  const canSend = draft.trim() !== '' && !running;
  const send = () => {
    if (!canSend) return;
    setDraft('');
    onSend(draft.trim());
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === 'Escape' && running) onStop();
    // 229: Safari reports the Enter that ends a composition after the composition's end.
    const composing = event.nativeEvent.isComposing || event.keyCode === 229;
    if (event.key !== 'Enter' || event.shiftKey || composing) return;
    event.preventDefault();
    send();
  };
  return (
    <form
      className="rounded-lg border border-line bg-surface shadow-[0_1px_2px_oklch(0.2_0.01_260/0.05)] transition-colors focus-within:border-line-strong"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div className="grid max-h-[40dvh] overflow-y-auto overscroll-contain">
        {/* The same text behind the field gives it its height, without measuring. */}
        <div aria-hidden className={clsx(FIELD, 'invisible whitespace-pre-wrap')}>
          {`${draft}\n`}
        </div>
        <textarea
          ref={field}
          rows={1}
          dir="auto"
          value={draft}
          placeholder="Ask anything"
          aria-label="Message"
          aria-describedby={hint}
          enterKeyHint="send"
          className={clsx(FIELD, 'resize-none overflow-hidden bg-transparent outline-none placeholder:text-ink-3')}
          onChange={(event) => setDraft(event.target.value)}
          onKeyDown={onKeyDown}
        />
      </div>
      <div className="flex items-center justify-between gap-2 px-2 pb-2">
        <span id={hint} className="truncate ps-1.5 text-ink-3 text-xs">
          <span className="pointer-coarse:hidden">Enter sends, Shift+Enter starts a new line</span>
        </span>
        {running ? (
          <button
            {...tip('Stop the answer', 'Esc')}
            type="button"
            aria-label="Stop the answer"
            onClick={onStop}
            className={clsx(ROUND, 'bg-ink text-canvas')}
          >
            <Square className="size-3 fill-current" aria-hidden />
          </button>
        ) : (
          <button
            {...tip('Send', 'Enter')}
            type="submit"
            aria-label="Send"
            disabled={!canSend}
            className={clsx(
              ROUND,
              'bg-accent-fill text-on-accent hover:not-disabled:bg-accent-fill-hover disabled:bg-hover disabled:text-ink-3',
            )}
          >
            <ArrowUp className="size-4" strokeWidth={2.25} aria-hidden />
          </button>
        )}
      </div>
    </form>
  );
}

const FIELD = 'col-start-1 row-start-1 min-h-11 w-full px-3.5 pt-3 pb-1 text-base leading-6 [overflow-wrap:anywhere]';
const ROUND = 'flex size-8 shrink-0 items-center justify-center rounded-md transition-colors pointer-coarse:size-10';
