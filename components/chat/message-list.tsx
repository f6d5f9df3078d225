'use client';

import clsx from 'clsx';
import { memo, useState } from 'react';
import { QuestionTurn } from '#components/chat/question-turn';
import { ResponseTurn } from '#components/chat/response-turn';
import type { VersionPosition } from '#components/chat/version-switcher';
import { type ChatMessage, EMPTY_THREAD, shownPath, type Thread } from './conversation.ts';
import type { OnRegenerate } from './response-menu-props.ts';
import { useChatSelector } from './use-chat.ts';
import { useGrowingRange } from './use-growing-range.ts';

interface MessageListProps {
  conversationId: string;
  leafId: string | null;
  /** A message that is rendered at once; undefined for the end of the conversation. */
  anchorId: string | undefined;
  onRegenerate: OnRegenerate;
  onEdit: (questionId: string, text: string) => void;
}

export function MessageList({ conversationId, leafId, anchorId, onRegenerate, onEdit }: MessageListProps) {
  const thread = useChatSelector(({ threads }) => threads.get(conversationId) ?? EMPTY_THREAD);
  const path = shownPath(thread, leafId);
  const anchor = anchorId === undefined ? -1 : path.findIndex(({ id }) => id === anchorId);
  const { start, end } = useGrowingRange(path.length, anchor === -1 ? undefined : anchor);
  const positions = useVersionPlaces(thread);
  return (
    // Hidden text, as the title of footnotes, scrolls with it and does not stretch the page. Not
    // each response: a positioned box is a layer for the browser.
    <ol className="relative flex flex-col">
      {path.slice(start, end).map((message, index) => (
        <Turn
          key={message.id}
          message={message}
          isFar={start + index < path.length - NEAR_TURNS}
          {...(positions.get(message.id) ?? ALONE)}
          onRegenerate={onRegenerate}
          onEdit={onEdit}
        />
      ))}
    </ol>
  );
}

interface TurnProps extends VersionPosition {
  message: ChatMessage;
  /** Far turns are not laid out; the last ones are, so that the end never jumps. */
  isFar: boolean;
  onRegenerate: OnRegenerate;
  onEdit: (questionId: string, text: string) => void;
}

const Turn = memo(function Turn({ message, isFar, onRegenerate, onEdit, ...position }: TurnProps) {
  return (
    // A question's row of buttons is also the space below it.
    <li
      className={clsx(message.role === 'user' ? 'not-first:mt-6' : 'not-first:mt-1', isFar && 'offscreen')}
      data-message={message.id}
    >
      {message.role === 'user' ? (
        <QuestionTurn message={message} {...position} onEdit={onEdit} />
      ) : (
        <ResponseTurn message={message} {...position} onRegenerate={onRegenerate} />
      )}
    </li>
  );
});

const NEAR_TURNS = 6;
const ALONE: VersionPosition = { number: 1, count: 1, previousId: undefined, nextId: undefined };

/** Positions change only if the thread grew or was read again. */
function useVersionPlaces(thread: Thread): ReadonlyMap<string, VersionPosition> {
  const [known, setKnown] = useState(() => ({ size: thread.size, positions: versionPlaces(thread) }));
  if (known.size === thread.size) return known.positions;
  const positions = versionPlaces(thread);
  setKnown({ size: thread.size, positions });
  return positions;
}

function versionPlaces(thread: Thread): ReadonlyMap<string, VersionPosition> {
  const positions = new Map<string, VersionPosition>();
  const families = Map.groupBy(thread.values(), (message: ChatMessage) => message.parentId);
  for (const family of families.values()) {
    if (family.length < 2) continue;
    family.sort((a, b) => a.createdAt - b.createdAt);
    for (const [index, message] of family.entries())
      positions.set(message.id, {
        number: index + 1,
        count: family.length,
        previousId: family[index - 1]?.id,
        nextId: family[index + 1]?.id,
      });
  }
  return positions;
}
