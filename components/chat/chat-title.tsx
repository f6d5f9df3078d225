'use client';

import { useEffect, useRef } from 'react';
import { flushSync } from 'react-dom';
import { TitleField } from '#components/chat/title-field';
import { tip } from '#components/ui/tooltip';
import type { Conversation } from './conversation.ts';
import { setTitleParts } from './document-title.ts';
import { HISTORY_STRINGS as S } from './strings/history.ts';

interface ChatTitleProps {
  conversation: Conversation | undefined;
  isRunning: boolean;
  renaming: boolean;
  onRenaming: (renaming: boolean) => void;
}

/** The conversation's title in the page's bar, where it is renamed, and in the document's title. */
export function ChatTitle({ conversation, isRunning, renaming, onRenaming }: ChatTitleProps) {
  const button = useRef<HTMLButtonElement>(null);
  const title = conversation?.title;
  useEffect(() => {
    setTitleParts({ conversation: title, isRunning });
    return () => setTitleParts({ conversation: undefined, isRunning: false });
  }, [title, isRunning]);
  if (conversation === undefined) return <span className="flex-1" />;
  return (
    <div className="flex min-w-0 flex-1 items-center justify-center px-1">
      {renaming ? (
        <TitleField
          key={conversation.id}
          conversation={conversation}
          onDone={(byKey) => {
            flushSync(() => onRenaming(false));
            if (byKey) button.current?.focus();
          }}
          className="h-8 w-full max-w-96 pointer-coarse:h-10"
        />
      ) : (
        <button
          ref={button}
          type="button"
          aria-label={S.renameChat(conversation.title)}
          onClick={() => onRenaming(true)}
          {...tip(S.renameChat(conversation.title), undefined, 'bottom')}
          className="h-8 min-w-0 truncate rounded-md px-2 font-medium text-ink-2 text-sm transition-colors hover:bg-hover hover:text-ink max-sm:hidden pointer-coarse:h-10"
        >
          <bdi>{conversation.title}</bdi>
        </button>
      )}
    </div>
  );
}
