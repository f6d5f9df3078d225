'use client';

import { Menu as BaseMenu } from '@base-ui/react/menu';
import clsx from 'clsx';
import { useEffect, useRef, useState } from 'react';
import { type QuestionJumpProps, QuestionsButton } from '#components/chat/questions-button';
import { POPUP, POPUP_ITEM } from '#components/ui/popup-props';
import { type ChatMessage, EMPTY_THREAD, pathTo } from './conversation.ts';
import { CHAT_ACTION_STRINGS as S } from './strings/chat-actions.ts';
import { turnElement, turnInView } from './turn-place.ts';
import { chatStore } from './use-chat.ts';

/** The list of questions, open from its first render. */
export function QuestionPopup(props: QuestionJumpProps) {
  return (
    <BaseMenu.Root defaultOpen>
      <BaseMenu.Trigger render={<QuestionsButton />} />
      <BaseMenu.Portal>
        <BaseMenu.Positioner
          align="end"
          side="bottom"
          sideOffset={6}
          collisionPadding={8}
          className="z-70 outline-none"
        >
          <BaseMenu.Popup aria-label={S.questions} className={clsx(POPUP, 'w-80')}>
            <Questions {...props} />
          </BaseMenu.Popup>
        </BaseMenu.Positioner>
      </BaseMenu.Portal>
    </BaseMenu.Root>
  );
}

function Questions({ conversationId, leafId, scroller, onJump }: QuestionJumpProps) {
  // As they were when the list opened: a streaming response changes none of them.
  const [path] = useState(() => pathTo(chatStore().state().threads.get(conversationId) ?? EMPTY_THREAD, leafId));
  const questions = path.filter(({ role }) => role === 'user');
  const [currentId] = useState(() => currentQuestion(path, scroller.current));
  const current = useRef<HTMLElement>(null);
  useEffect(() => {
    current.current?.scrollIntoView({ block: 'center' });
  }, []);
  return (
    <div className="scroller max-h-[min(26rem,calc(var(--available-height)-0.5rem))]">
      {questions.map((question) => {
        const isCurrent = question.id === currentId;
        return (
          <BaseMenu.Item
            key={question.id}
            ref={isCurrent ? current : null}
            aria-current={isCurrent ? 'true' : undefined}
            onClick={() => onJump(question.id)}
            className={clsx(POPUP_ITEM, 'gap-2 ps-2', isCurrent && 'font-medium')}
          >
            <span
              aria-hidden
              className={clsx(
                'h-4 w-0.5 shrink-0 rounded-full',
                isCurrent ? 'bg-accent forced-colors:bg-[Highlight]' : 'bg-transparent forced-colors:hidden',
              )}
            />
            <span dir="auto" className="min-w-0 flex-1 truncate">
              {labelOf(question)}
            </span>
          </BaseMenu.Item>
        );
      })}
    </div>
  );
}

/** Enough for one line; a pasted log has megabytes. */
const LABEL_CHARACTERS = 200;

function labelOf({ content }: ChatMessage): string {
  const line = content.trim().slice(0, LABEL_CHARACTERS).replace(/\s+/g, ' ');
  return line === '' ? S.imageOnly : line;
}

/** The last question at or above the top of the view; the last of all at the end. */
function currentQuestion(path: readonly ChatMessage[], scroller: HTMLElement | null): string | undefined {
  const isAtEnd = scroller !== null && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_PX;
  if (isAtEnd) return path.findLast(({ role }) => role === 'user')?.id;
  const seen = scroller === null ? undefined : turnInView(scroller)?.messageId;
  const at = path.findIndex(({ id }) => id === seen);
  const upTo = at === -1 ? path : path.slice(0, at + 1);
  const above = upTo.findLast(({ role }) => role === 'user')?.id;
  const next = path.slice(at + 1).find(({ role }) => role === 'user');
  // The response above shows its last line only, and the next question is what is read.
  if (scroller === null || next === undefined) return above;
  const top = turnElement(scroller, next.id)?.getBoundingClientRect().top;
  return top !== undefined && top - scroller.getBoundingClientRect().top < NEAR_PX ? next.id : above;
}

const NEAR_PX = 80;
