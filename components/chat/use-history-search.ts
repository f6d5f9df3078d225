import { useEffect, useMemo, useState } from 'react';
import type { Conversation } from './conversation.ts';
import { openHistory } from './history-db.ts';
import type { MessageHit } from './message-search.ts';
import { containsWords, wordsOf } from './search-words.ts';

/** Fast typing starts one search and not one per key. */
const TYPING_PAUSE_MS = 60;
const NO_HITS: ReadonlyMap<string, MessageHit> = new Map();

interface MessageHits {
  /** The words that `hits` belong to, joined by a space. */
  query: string;
  hits: ReadonlyMap<string, MessageHit>;
}

const NOTHING: MessageHits = { query: '', hits: NO_HITS };

/**
 * What to do for `needle` when `found` is the last result. `search` looks only in the conversations
 * `within`, if there are such. A cleared query is forgotten: the messages may change until it is
 * typed again.
 */
export function nextStep(
  found: MessageHits,
  needle: string,
): 'keep' | 'forget' | { search: string; within?: ReadonlySet<string> } {
  if (needle === found.query) return 'keep';
  if (needle === '') return 'forget';
  const isNarrower = found.query !== '' && needle.startsWith(found.query);
  return { search: needle, ...(isNarrower ? { within: new Set(found.hits.keys()) } : {}) };
}

/**
 * Conversations with a message that contains the words of `query`. Keeps the last complete result
 * during a search. A new query aborts the search before it, and a longer one searches only what
 * the shorter one found.
 */
export function useMessageHits(query: string): MessageHits {
  const [found, setFound] = useState(NOTHING);
  const needle = wordsOf(query).join(' ');
  useEffect(() => {
    const step = nextStep(found, needle);
    if (step === 'forget') setFound(NOTHING);
    if (typeof step === 'string') return;
    const { search, ...options } = step;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      openHistory()
        .search(search, { signal: abort.signal, ...options })
        .then(
          (hits) => setFound({ query: needle, hits }),
          (error: unknown) => {
            // Without storage only titles are searched.
            if (!abort.signal.aborted) setFound({ query: needle, hits: NO_HITS });
            return error;
          },
        );
    }, TYPING_PAUSE_MS);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [needle, found]);
  return needle === '' ? NOTHING : found;
}

export interface FoundConversation {
  conversation: Conversation;
  /** Undefined if only the title matches. */
  hit?: MessageHit | undefined;
}

export interface HistorySearchResult {
  found: readonly FoundConversation[];
  /** While true, `found` belongs to the query before. */
  isSearching: boolean;
}

/** Conversations whose title or messages contain the words of `query`; all for an empty one. */
export function useHistorySearch(query: string, conversations: readonly Conversation[]): HistorySearchResult {
  const { query: searched, hits } = useMessageHits(query);
  const needle = wordsOf(query).join(' ');
  // Before the first result the list stays whole.
  const shown = needle === '' ? '' : searched;
  const found = useMemo(() => {
    const words = wordsOf(shown);
    return conversations.flatMap((conversation): FoundConversation[] => {
      if (words.length === 0) return [{ conversation }];
      const hit = hits.get(conversation.id);
      return hit === undefined && !containsWords(conversation.title, words) ? [] : [{ conversation, hit }];
    });
  }, [shown, hits, conversations]);
  return { found, isSearching: needle !== shown };
}
