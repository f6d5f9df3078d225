'use client';

import { List } from 'lucide-react';
import type { ComponentProps, RefObject } from 'react';
import { IconButton } from '#components/ui/icon-button';
import { CHAT_ACTION_STRINGS as S } from './strings/chat-actions.ts';

export interface QuestionJumpProps {
  conversationId: string;
  leafId: string | null;
  scroller: RefObject<HTMLElement | null>;
  onJump: (messageId: string) => void;
}

/** The trigger of the list of questions, before and after its code is loaded. */
export function QuestionsButton(props: Omit<ComponentProps<typeof IconButton>, 'label'>) {
  return (
    <IconButton side="bottom" {...props} label={S.questions}>
      <List className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
    </IconButton>
  );
}
