'use client';

import clsx from 'clsx';
import { useEffect, useRef } from 'react';
import { flushSync } from 'react-dom';
import { TitleField } from '#components/chat/title-field';
import { tip } from '#components/ui/tooltip';
import type { Conversation } from './conversation.ts';
import { setTitleParts } from './document-title.ts';
import { CHAT_ACTION_STRINGS as S } from './strings/chat-actions.ts';

interface ChatTitleProps {
  conversation: Conversation;
  isRunning: boolean;
  renaming: boolean;
  onRenaming: (renaming: boolean) => void;
}

/** The conversation's title in the page's bar, where it is renamed, and in the document's title. */
export function ChatTitle({ conversation, isRunning, renaming, onRenaming }: ChatTitleProps) {
  const button = useRef<HTMLButtonElement>(null);
  const { title } = conversation;
  useEffect(() => {
    setTitleParts({ conversation: title, isRunning });
    return () => setTitleParts({ conversation: undefined, isRunning: false });
  }, [title, isRunning]);
  return (
    <div className={clsx('flex min-w-0 justify-center px-1', renaming && 'w-98')}>
      {renaming ? (
        <TitleField
          key={conversation.id}
          conversation={conversation}
          onDone={(byKey) => {
            flushSync(() => onRenaming(false));
            if (byKey) button.current?.focus();
          }}
          className="h-8 w-full pointer-coarse:h-10"
        />
      ) : (
        <button
          ref={button}
          type="button"
          aria-label={S.renameChat(title)}
          onClick={() => onRenaming(true)}
          {...tip(S.renameChat(title), undefined, 'bottom')}
          className="h-8 min-w-0 max-w-96 truncate rounded-md px-2 font-medium text-ink-2 text-sm transition-colors hover:bg-hover hover:text-ink max-sm:hidden pointer-coarse:h-10"
        >
          <bdi>{title}</bdi>
        </button>
      )}
    </div>
  );
}
