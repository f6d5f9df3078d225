import { useEffect, useState } from 'react';
import type { Conversation } from './conversation.ts';
import { openHistory } from './history-db.ts';

const TYPING_PAUSE_MS = 150;
const NONE: ReadonlySet<string> = new Set();

/** The conversations whose title or messages hold the words of `query`; all of them where it is empty. */
export function useHistorySearch(query: string, conversations: readonly Conversation[]): readonly Conversation[] {
  const [found, setFound] = useState<{ query: string; ids: ReadonlySet<string> }>({ query: '', ids: NONE });
  const wanted = query.trim().toLowerCase();
  useEffect(() => {
    if (wanted === '') return;
    let isCurrent = true;
    const timer = setTimeout(() => {
      openHistory()
        .search(wanted)
        .then(
          (ids) => {
            if (isCurrent) setFound({ query: wanted, ids });
          },
          () => undefined,
        );
    }, TYPING_PAUSE_MS);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [wanted]);
  if (wanted === '') return conversations;
  return conversations.filter(
    ({ id, title }) => title.toLowerCase().includes(wanted) || (found.query === wanted && found.ids.has(id)),
  );
}
