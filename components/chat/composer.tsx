'use client';

import clsx from 'clsx';
import { ArrowUp, Square } from 'lucide-react';
import {
  type ClipboardEvent,
  type DragEvent,
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
} from 'react';
import { LazyImageList } from '#components/chat/lazy-image-list';
import { LazyTextAttachmentList } from '#components/chat/lazy-text-attachments';
import { Notice } from '#components/ui/notice';
import { tip } from '#components/ui/tooltip';
import { readDraft } from '#lib/browser/local-storage';
import { fieldDirection } from '#lib/browser/text-direction';
import { useDraft } from './draft.ts';
import { COMPOSER_STRINGS } from './strings/composer.ts';
import { type AttachedFile, isLongPaste, MAX_FIELD_CHARACTERS } from './text-files.ts';
import type { Attachments } from './use-attachments.ts';

/** For links that lead to the message field. */
const MESSAGE_FIELD_ID = 'composer';

interface ComposerProps {
  field: RefObject<HTMLTextAreaElement | null>;
  /** Storage key of the draft. */
  draftKey: string;
  /** A response runs: what is sent now waits for it. */
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
 * composition. A long paste becomes an attachment, because each key in a long text costs a layout
 * of the whole text.
 */
export function Composer({ field, draftKey, running, waiting, attachments, tools, onSend, onStop }: ComposerProps) {
  const [draft, setDraft] = useDraft(draftKey);
  const hint = useId();
  const isAlive = useRef(false);
  useLayoutEffect(() => {
    const element = field.current;
    if (element === null || element.value === draft) return;
    // Keeps what was typed before hydration.
    if (!isAlive.current && readDraft(draftKey) === '') setDraft(element.value);
    else element.value = draft;
  }, [field, draft, draftKey, setDraft]);
  useLayoutEffect(() => {
    if (field.current !== null && draft.length <= MAX_FIELD_CHARACTERS) fitToText(field.current);
  }, [field, draft]);
  useEffect(() => {
    isAlive.current = true;
    // The focus needs the layout, which the next frame makes once for all.
    const frame = requestAnimationFrame(() => {
      // On touch screens the focus would open the keyboard.
      const wantsFocus = document.activeElement === document.body && window.matchMedia('(pointer: fine)').matches;
      if (wantsFocus) field.current?.focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(frame);
  }, [field]);
  const { images, files, reading, refusal } = attachments;
  const isEmpty = draft.trim() === '' && images.length === 0 && files.length === 0;
  const canSend = !isEmpty && !waiting && reading === 0;
  const send = () => {
    if (canSend && onSend(draft.trim())) setDraft('');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'Escape' && running) onStop();
    // 229: Safari reports the Enter that ends a composition after `compositionend`.
    const composing = event.nativeEvent.isComposing || event.keyCode === 229;
    if (event.key !== 'Enter' || event.shiftKey || composing) return;
    event.preventDefault();
    send();
  };
  /** Attaches a text that is too long for the field. Returns whether it did. */
  const attachLong = (text: string) => {
    const isLong = isLongPaste(text, draft.length);
    if (isLong) attachments.attachPasted(text.replaceAll('\r\n', '\n'));
    return isLong;
  };
  const onPaste = (event: ClipboardEvent<HTMLTextAreaElement>) => {
    const text = event.clipboardData.getData('text/plain');
    const chosen = [...event.clipboardData.files];
    // Text that is copied along with an image of itself (a table, a document) stays text.
    if (text === '' && chosen.length > 0) {
      event.preventDefault();
      attachments.attach(chosen);
    } else if (attachLong(text)) event.preventDefault();
    // Set before the browser lays the text out.
    else event.currentTarget.dir = fieldDirection(text.length > draft.length ? text : draft);
  };
  const onDrop = (event: DragEvent) => {
    if (event.dataTransfer.files.length === 0 && attachLong(event.dataTransfer.getData('text/plain')))
      event.preventDefault();
  };
  const moveToField = ({ id, text }: AttachedFile) => {
    setDraft(draft.trim() === '' ? text : `${draft.trimEnd()}\n${text}`);
    attachments.remove(id);
    field.current?.focus();
  };
  const actionsOf = (place: number) => {
    const file = files[place];
    if (file === undefined) return {};
    const remove = () => {
      attachments.remove(file.id);
      field.current?.focus();
    };
    const fits = draft.length + file.text.length < MAX_FIELD_CHARACTERS;
    return { onRemove: remove, onToText: fits ? () => moveToField(file) : undefined };
  };
  return (
    <form
      className="rounded-lg border border-line-strong bg-surface shadow-[0_1px_2px_oklch(0.2_0.01_260/0.05)] transition-colors has-[textarea:focus]:border-accent"
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
              {COMPOSER_STRINGS.dismiss}
            </button>
          }
        >
          {refusal}
        </Notice>
      )}
      {images.length === 0 && files.length === 0 && reading === 0 ? null : (
        <div className="scroller flex max-h-[30dvh] flex-wrap items-center gap-2 px-3.5 pt-3">
          {images.length === 0 ? null : <LazyImageList images={images} onRemove={attachments.remove} />}
          {files.length === 0 ? null : <LazyTextAttachmentList files={files} actions={actionsOf} />}
          {reading === 0 ? null : (
            <span role="status" aria-label={COMPOSER_STRINGS.reading} className="skeleton h-11 w-40" />
          )}
        </div>
      )}
      {/* Uncontrolled: React would compare and copy the whole text for each key. */}
      <textarea
        ref={field}
        id={MESSAGE_FIELD_ID}
        data-main-field
        rows={1}
        dir={fieldDirection(draft)}
        placeholder={COMPOSER_STRINGS.placeholder}
        aria-label={COMPOSER_STRINGS.message}
        aria-describedby={hint}
        enterKeyHint="send"
        className="field-sizing-content block max-h-[40dvh] min-h-11 w-full resize-none overflow-y-auto overscroll-contain bg-transparent px-3.5 pt-3 pb-1 text-base leading-6 outline-none placeholder:text-ink-3"
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={onKeyDown}
        onPaste={onPaste}
        onDrop={onDrop}
      />
      <div className="flex items-center gap-1 px-2 pb-2">
        {tools}
        <span id={hint} className="min-w-0 flex-1 truncate ps-1.5 text-ink-3 text-xs">
          <span className="max-sm:hidden pointer-coarse:hidden">
            {running ? (isEmpty ? null : COMPOSER_STRINGS.hintWhileRunning) : COMPOSER_STRINGS.hint}
          </span>
        </span>
        {running ? (
          <button
            {...tip(COMPOSER_STRINGS.stop, 'Esc')}
            type="button"
            aria-label={COMPOSER_STRINGS.stop}
            onClick={onStop}
            className={clsx(ROUND, 'bg-ink text-canvas')}
          >
            <Square className="size-3 fill-current" aria-hidden />
          </button>
        ) : null}
        {running && isEmpty ? null : (
          <button
            {...tip(running ? COMPOSER_STRINGS.sendLater : COMPOSER_STRINGS.send, 'Enter')}
            type="submit"
            aria-label={running ? COMPOSER_STRINGS.sendLater : COMPOSER_STRINGS.send}
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

/** Gives the field the height of its text, in browsers without `field-sizing`. */
function fitToText(field: HTMLTextAreaElement): void {
  if (CSS.supports('field-sizing', 'content')) return;
  field.style.height = 'auto';
  field.style.height = `${field.scrollHeight}px`;
}

const ROUND = 'flex size-8 shrink-0 items-center justify-center rounded-md transition-colors pointer-coarse:size-10';
