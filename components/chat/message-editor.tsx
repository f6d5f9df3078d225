import clsx from 'clsx';
import { useEffect, useRef, useState } from 'react';
import { Button } from '#components/ui/button';
import { fieldDirection } from '#lib/browser/text-direction';
import { UI_STRINGS } from '../ui/strings.ts';

interface MessageEditorProps {
  text: string;
  label: string;
  action: string;
  /** Whether the message may have no text, because it has attachments. */
  canBeEmpty?: boolean;
  /** `compact` for a row above the composer. */
  size?: 'full' | 'compact';
  onSave: (text: string) => void;
  onCancel: () => void;
}

/** Edits the text of a message in its place: Enter saves, Escape cancels. */
export function MessageEditor({
  text,
  label,
  action,
  canBeEmpty = false,
  size = 'full',
  onSave,
  onCancel,
}: MessageEditorProps) {
  const [value, setValue] = useState(text);
  const field = useRef<HTMLTextAreaElement>(null);
  useEffect(() => {
    field.current?.focus();
    field.current?.setSelectionRange(text.length, text.length);
  }, [text]);
  const isRefused = value.trim() === '' && !canBeEmpty;
  const save = () => {
    if (!isRefused) onSave(value.trim());
  };
  const isCompact = size === 'compact';
  return (
    <form
      className={isCompact ? 'px-2 py-1' : 'rounded-lg border bg-surface p-2 focus-within:border-line-strong'}
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <textarea
        ref={field}
        aria-label={label}
        dir={fieldDirection(value)}
        rows={isCompact ? linesOf(value, 6) : Math.min(12, linesOf(value, 12) + 1)}
        className={clsx(
          'w-full resize-none leading-6',
          isCompact
            ? 'field-sizing-content max-h-[30dvh] rounded-md border border-line-strong bg-surface px-2 py-1.5'
            : 'bg-transparent px-1.5 py-1 outline-none',
        )}
        defaultValue={text}
        onChange={(event) => setValue(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            event.stopPropagation();
            onCancel();
          }
          if (event.key === 'Enter' && !event.shiftKey && !event.nativeEvent.isComposing && event.keyCode !== 229) {
            event.preventDefault();
            save();
          }
        }}
      />
      <div className={clsx('flex justify-end gap-2', isCompact && 'mt-1.5')}>
        <Button size="sm" kind="quiet" onClick={onCancel}>
          {UI_STRINGS.cancel}
        </Button>
        <Button size="sm" kind="primary" type="submit" disabled={isRefused}>
          {action}
        </Button>
      </div>
    </form>
  );
}

const linesOf = (text: string, max: number) => text.split('\n', max).length;
