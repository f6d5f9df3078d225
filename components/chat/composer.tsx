'use client';

import clsx from 'clsx';
import { ArrowUp, Square } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, type RefObject, useEffect, useId, useLayoutEffect, useRef } from 'react';
import { LazyImageList } from '#components/chat/lazy-image-list';
import { Notice } from '#components/ui/notice';
import { tip } from '#components/ui/tooltip';
import { readStored, useStored, writeDraft } from '#lib/browser/local-storage';
import { fieldDirection } from '#lib/browser/text-direction';
import { imageFiles } from './images.ts';
import type { Attachments } from './use-attachments.ts';

interface ComposerProps {
  field: RefObject<HTMLTextAreaElement | null>;
  /** Storage key of the draft. */
  draftKey: string;
  running: boolean;
  /** Sending is not possible yet. */
  waiting: boolean;
  attachments: Attachments;
  /** Controls next to the send button. */
  tools?: ReactNode;
  /** Returns true if the text was sent, which clears the field. */
  onSend: (text: string) => boolean;
  onStop: () => void;
}

/**
 * The input of the chat. It grows with the text, stores the draft, and ignores Enter during IME
 * composition.
 */
export function Composer({ field, draftKey, running, waiting, attachments, tools, onSend, onStop }: ComposerProps) {
  const [draft, setDraft] = useStored(draftKey, writeDraft);
  const hint = useId();
  const isAlive = useRef(false);
  useLayoutEffect(() => {
    const element = field.current;
    if (element === null || element.value === draft) return;
    // Keeps what was typed before hydration.
    if (!isAlive.current && readStored(draftKey) === '') setDraft(element.value);
    else element.value = draft;
  }, [field, draft, draftKey, setDraft]);
  useEffect(() => {
    isAlive.current = true;
  }, []);
  const { images, reading, refusal } = attachments;
  const isEmpty = draft.trim() === '' && images.length === 0;
  const canSend = !isEmpty && !running && !waiting && reading === 0;
  const send = () => {
    if (canSend && onSend(draft.trim())) setDraft('');
  };
  const onKeyDown = (event: KeyboardEvent<HTMLTextAreaElement>) => {
    if (event.key === 'Escape' && running) onStop();
    // 229: Safari reports the Enter that ends a composition after `compositionend`.
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
      {refusal === undefined ? null : (
        <Notice
          kind="error"
          className="m-2 mb-0"
          action={
            <button
              type="button"
              className="font-medium text-accent text-xs pointer-coarse:min-h-10"
              onClick={() => attachments.refuse(undefined)}
            >
              Hide
            </button>
          }
        >
          {refusal}
        </Notice>
      )}
      {images.length === 0 && reading === 0 ? null : (
        <div className="flex flex-wrap items-center gap-2 px-3.5 pt-3">
          <LazyImageList images={images} onRemove={attachments.remove} />
          {reading === 0 ? null : <span role="status" aria-label="Reading pictures" className="skeleton size-16" />}
        </div>
      )}
      <div className="grid">
        {/* A hidden copy of the beginning of the text gives the field its height without measuring. */}
        <div
          aria-hidden
          className={clsx(FIELD, 'invisible overflow-hidden whitespace-pre-wrap [overflow-wrap:anywhere]')}
        >
          {`${draft.slice(0, SHOWN_CHARACTERS)}\n`}
        </div>
        {/* Uncontrolled: React would compare and copy the whole text for each key. */}
        <textarea
          ref={field}
          rows={1}
          dir={fieldDirection(draft)}
          placeholder="Ask anything"
          aria-label="Message"
          aria-describedby={hint}
          enterKeyHint="send"
          className={clsx(
            FIELD,
            'resize-none overflow-y-auto overscroll-contain bg-transparent outline-none placeholder:text-ink-3',
          )}
          onChange={(event) => setDraft(event.target.value)}
          onKeyDown={onKeyDown}
          onPaste={(event) => {
            const text = event.clipboardData.getData('text/plain');
            // Set before the browser lays the text out.
            event.currentTarget.dir = fieldDirection(text.length > draft.length ? text : draft);
            const files = imageFiles(event.clipboardData);
            // Text that is copied along with an image of itself (a table, a document) stays text.
            if (files.length === 0 || event.clipboardData.types.includes('text/plain')) return;
            event.preventDefault();
            attachments.attach(files);
          }}
        />
      </div>
      <div className="flex items-center gap-1 px-2 pb-2">
        {tools}
        <span id={hint} className="min-w-0 flex-1 truncate ps-1.5 text-ink-3 text-xs">
          <span className="max-sm:hidden pointer-coarse:hidden">Enter sends, Shift+Enter starts a new line</span>
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

/** More than any screen shows at once. */
const SHOWN_CHARACTERS = 8_000;
const FIELD = 'col-start-1 row-start-1 max-h-[40dvh] min-h-11 w-full px-3.5 pt-3 pb-1 text-base leading-6';
const ROUND = 'flex size-8 shrink-0 items-center justify-center rounded-md transition-colors pointer-coarse:size-10';
