'use client';

import clsx from 'clsx';
import { useEffect, useRef, useState } from 'react';
import type { Conversation } from './conversation.ts';
import { HISTORY_STRINGS as S } from './strings/history.ts';
import { chatStore } from './use-chat.ts';

interface TitleFieldProps {
  conversation: Conversation;
  /** `byKey`: the focus was in the field until now. */
  onDone: (byKey: boolean) => void;
  className?: string;
}

/** Renames a conversation: Enter or leaving the field saves, Escape does not. */
export function TitleField({ conversation, onDone, className }: TitleFieldProps) {
  const [title, setTitle] = useState(conversation.title);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // Runs after the menu has returned the focus to a button that no longer exists.
    const frame = requestAnimationFrame(() => field.current?.select());
    return () => cancelAnimationFrame(frame);
  }, []);
  const isDone = useRef(false);
  const end = (byKey: boolean, isSaved: boolean) => {
    // The field loses the focus when it is removed.
    if (isDone.current) return;
    isDone.current = true;
    if (isSaved) chatStore().rename(conversation.id, title);
    onDone(byKey);
  };
  return (
    <input
      ref={field}
      aria-label={S.titleField}
      dir="auto"
      value={title}
      maxLength={200}
      onChange={(event) => setTitle(event.target.value)}
      onBlur={() => end(false, true)}
      onKeyDown={(event) => {
        if (event.nativeEvent.isComposing || (event.key !== 'Enter' && event.key !== 'Escape')) return;
        // The key must not reach the button that gets the focus next.
        event.preventDefault();
        end(true, event.key === 'Enter');
      }}
      className={clsx('rounded-md border border-line-strong bg-surface px-2 text-sm outline-none', className)}
    />
  );
}
