'use client';

import type { ReactNode } from 'react';
import { Button } from '#components/ui/button';
import { HISTORY_STRINGS } from './strings/history.ts';

interface ConversationStateProps {
  state: 'loading' | 'missing' | 'there';
  onNew: () => void;
  children: ReactNode;
}

/** A conversation, its skeleton, or a word why it is not there. */
export function ConversationState({ state, onNew, children }: ConversationStateProps) {
  if (state === 'there') return children;
  if (state === 'loading')
    return (
      <div aria-hidden className="flex flex-col gap-6">
        <div className="skeleton h-10 w-2/5 self-end" />
        <div className="flex flex-col gap-3">
          <div className="skeleton h-4 w-full" />
          <div className="skeleton h-4 w-11/12" />
          <div className="skeleton h-4 w-2/3" />
        </div>
      </div>
    );
  return (
    <div className="flex flex-col items-start gap-3 pt-16">
      <h1 className="font-semibold text-xl">{HISTORY_STRINGS.missingTitle}</h1>
      <p className="text-ink-2">{HISTORY_STRINGS.missingText}</p>
      <Button kind="primary" onClick={onNew}>
        {HISTORY_STRINGS.newChat}
      </Button>
    </div>
  );
}
