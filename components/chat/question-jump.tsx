'use client';

import { useCallback, useState } from 'react';
import { type QuestionJumpProps, QuestionsButton } from '#components/chat/questions-button';
import { loadable, useLoaded } from '#lib/browser/loadable';
import type { ChatState } from './chat-state.ts';
import { EMPTY_THREAD, shownPath } from './conversation.ts';
import { useChatSelector } from './use-chat.ts';

/** Fewer questions are found by scrolling. */
const MIN_QUESTIONS = 3;

const popup = loadable(() => import('#components/chat/question-popup').then(({ QuestionPopup }) => QuestionPopup));

/** A button with the list of all questions of a long conversation. */
export function QuestionJump(props: QuestionJumpProps) {
  const { conversationId, leafId } = props;
  const [wanted, setWanted] = useState(false);
  const isThere = useLoaded(wanted, popup);
  const isLong = useChatSelector(
    useCallback(
      (state: ChatState) => countQuestions(state, conversationId, leafId) >= MIN_QUESTIONS,
      [conversationId, leafId],
    ),
  );
  if (!isLong) return null;
  if (isThere) return <popup.Component {...props} />;
  return (
    <QuestionsButton
      onClick={() => setWanted(true)}
      onPointerEnter={popup.preload}
      onFocus={popup.preload}
      aria-haspopup="menu"
      aria-expanded={false}
    />
  );
}

function countQuestions({ threads }: ChatState, conversationId: string, leafId: string | null): number {
  const path = shownPath(threads.get(conversationId) ?? EMPTY_THREAD, leafId);
  return path.reduce((count, { role }) => (role === 'user' ? count + 1 : count), 0);
}
