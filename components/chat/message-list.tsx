'use client';

import clsx from 'clsx';
import { memo, useEffect, useMemo, useState } from 'react';
import { flushSync } from 'react-dom';
import { QuestionTurn } from '#components/chat/question-turn';
import { ResponseTurn } from '#components/chat/response-turn';
import type { VersionPosition } from '#components/chat/version-switcher';
import { type ChatMessage, EMPTY_THREAD, pathTo, type Thread } from './conversation.ts';
import type { OnRegenerate } from './response-menu-props.ts';
import { useChatSelector } from './use-chat.ts';

interface MessageListProps {
  conversationId: string;
  leafId: string | null;
  onRegenerate: OnRegenerate;
  onEdit: (questionId: string, text: string) => void;
}

export function MessageList({ conversationId, leafId, onRegenerate, onEdit }: MessageListProps) {
  const thread = useChatSelector(({ threads }) => threads.get(conversationId) ?? EMPTY_THREAD);
  const path = useMemo(() => pathTo(thread, leafId), [thread, leafId]);
  const shown = useGrowingCount(path.length);
  const positions = useVersionPlaces(thread);
  return (
    <ol className="flex flex-col">
      {path.slice(-shown).map((message, index, visible) => (
        <Turn
          key={message.id}
          message={message}
          isFar={index < visible.length - NEAR_TURNS}
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
    <li className={clsx(message.role === 'user' ? 'not-first:mt-6' : 'not-first:mt-1', isFar && 'offscreen')}>
      {message.role === 'user' ? (
        <QuestionTurn message={message} {...position} onEdit={onEdit} />
      ) : (
        <ResponseTurn message={message} {...position} onRegenerate={onRegenerate} />
      )}
    </li>
  );
});

const NEAR_TURNS = 6;
/** As many turns as a screen shows. Rendering more would delay them. */
const FIRST_TURNS = 4;
/** A question and its response: small enough not to block streaming. */
const MORE_TURNS = 2;
const PATIENCE_MS = 250;

/** Renders the end of a long conversation first, and earlier turns while the browser is idle. */
function useGrowingCount(total: number): number {
  const [count, setCount] = useState(FIRST_TURNS);
  const isWhole = count >= total;
  useEffect(() => {
    if (isWhole) return;
    // A printed conversation is whole.
    const all = () => flushSync(() => setCount(total));
    addEventListener('beforeprint', all);
    return () => removeEventListener('beforeprint', all);
  }, [isWhole, total]);
  useEffect(() => {
    if (isWhole) return;
    // Not in a transition: streamed text would restart it and finally force it through in one
    // task.
    const more = () => setCount(count + MORE_TURNS);
    // Safari lacks `requestIdleCallback`.
    if (typeof requestIdleCallback === 'undefined') {
      const timer = setTimeout(more, 50);
      return () => clearTimeout(timer);
    }
    const handle = requestIdleCallback(more, { timeout: PATIENCE_MS });
    return () => cancelIdleCallback(handle);
  }, [count, isWhole]);
  return isWhole ? Math.max(total, 1) : count;
}

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
