import { useEffect, useState } from 'react';
import type { Conversation } from './conversation.ts';
import { openHistory } from './history-db.ts';

const TYPING_PAUSE_MS = 150;
const NONE: ReadonlySet<string> = new Set();

/**
 * Conversations whose title or messages contain the words of `query`; all of them if it is empty.
 */
export function useHistorySearch(query: string, conversations: readonly Conversation[]): readonly Conversation[] {
  const [found, setFound] = useState<{ query: string; ids: ReadonlySet<string> }>({ query: '', ids: NONE });
  const needle = query.trim().toLowerCase();
  useEffect(() => {
    if (needle === '') return;
    let isCurrent = true;
    const timer = setTimeout(() => {
      openHistory()
        .search(needle)
        .then(
          (ids) => {
            if (isCurrent) setFound({ query: needle, ids });
          },
          () => undefined,
        );
    }, TYPING_PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [needle]);
  if (needle === '') return conversations;
  return conversations.filter(
    ({ id, title }) => title.toLowerCase().includes(needle) || (found.query === needle && found.ids.has(id)),
  );
}
