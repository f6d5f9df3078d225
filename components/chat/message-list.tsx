'use client';

import { startTransition, useEffect, useMemo, useState } from 'react';
import { AnswerTurn } from '#components/chat/answer-turn';
import { QuestionTurn } from '#components/chat/question-turn';
import type { VersionPlace } from '#components/chat/versions';
import { type ChatMessage, pathTo, type Thread } from '#lib/client/conversation';

interface MessageListProps {
  thread: Thread;
  leafId: string | null;
  onRegenerate: (answerId: string) => void;
  onEdit: (questionId: string, text: string) => void;
}

export function MessageList({ thread, leafId, onRegenerate, onEdit }: MessageListProps) {
  const path = useMemo(() => pathTo(thread, leafId), [thread, leafId]);
  const shown = useGrowingCount(path.length);
  const places = useMemo(() => versionPlaces(thread), [thread]);
  return (
    <ol className="flex flex-col gap-6">
      {path.slice(-shown).map((message, index, visible) => {
        const place = places.get(message.id) ?? ALONE;
        return (
          // What is far off the screen is not laid out; the last turns are, so that the end never jumps.
          <li key={message.id} className={index < visible.length - 6 ? 'offscreen' : undefined}>
            {message.role === 'user' ? (
              <QuestionTurn message={message} {...place} onEdit={onEdit} />
            ) : (
              <AnswerTurn message={message} {...place} onRegenerate={onRegenerate} />
            )}
          </li>
        );
      })}
    </ol>
  );
}

const FIRST_TURNS = 16;
const MORE_TURNS = 24;

/** A long conversation begins with its end, and gets the turns above while nothing else is to do. */
function useGrowingCount(total: number): number {
  const [count, setCount] = useState(FIRST_TURNS);
  const isWhole = count >= total;
  useEffect(() => {
    if (isWhole) return;
    const more = () => startTransition(() => setCount(count + MORE_TURNS));
    // Safari has no idle callback.
    if (typeof requestIdleCallback === 'undefined') {
      const timer = setTimeout(more, 50);
      return () => clearTimeout(timer);
    }
    const handle = requestIdleCallback(more, { timeout: 500 });
    return () => cancelIdleCallback(handle);
  }, [count, isWhole]);
  return isWhole ? Math.max(total, 1) : count;
}

const ALONE: VersionPlace = { number: 1, count: 1, previousId: undefined, nextId: undefined };

function versionPlaces(thread: Thread): ReadonlyMap<string, VersionPlace> {
  const places = new Map<string, VersionPlace>();
  const families = Map.groupBy(thread.values(), (message: ChatMessage) => message.parentId);
  for (const family of families.values()) {
    if (family.length < 2) continue;
    family.sort((a, b) => a.createdAt - b.createdAt);
    for (const [index, message] of family.entries())
      places.set(message.id, {
        number: index + 1,
        count: family.length,
        previousId: family[index - 1]?.id,
        nextId: family[index + 1]?.id,
      });
  }
  return places;
}
