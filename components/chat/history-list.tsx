'use client';

import clsx from 'clsx';
import { Search, X } from 'lucide-react';
import { memo, startTransition, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { HistoryRow } from '#components/chat/history-row';
import { ICON_BUTTON } from '#components/ui/icon-button';
import { dayGroup } from '#lib/browser/format';
import type { Conversation } from './conversation.ts';
import { deletion } from './lazy-actions.ts';
import { aimAt } from './search-target.ts';
import { HISTORY_STRINGS as S } from './strings/history.ts';
import { useActivity } from './use-activity.ts';
import { useChatField } from './use-chat.ts';
import { useHistorySearch } from './use-history-search.ts';

interface HistoryListProps {
  activeId: string | null;
  onOpen: (id: string | null) => void;
}

/** More than a screen shows. The others are rendered once these are. */
const FIRST_ROWS = 40;

/** The conversations of this browser, newest first, grouped by day. */
export const HistoryList = memo(function HistoryList({ activeId, onOpen }: HistoryListProps) {
  const ready = useChatField('ready');
  const conversations = useChatField('conversations');
  const unsaved = useChatField('unsaved');
  const { running, unread } = useActivity(conversations.length > 0);
  const [query, setQuery] = useState('');
  const { found, isSearching } = useHistorySearch(query, conversations);
  const list = useRef<HTMLDivElement>(null);
  const search = useRef<HTMLInputElement>(null);
  const [isWhole, setWhole] = useState(false);
  useEffect(() => {
    if (ready) startTransition(() => setWhole(true));
  }, [ready]);
  const groups = useMemo(() => {
    const rows = isWhole ? found : found.slice(0, FIRST_ROWS);
    return Map.groupBy(rows, ({ conversation }) => dayGroup(conversation.updatedAt, Date.now()));
  }, [found, isWhole]);
  const open = useCallback(
    (id: string, messageId?: string) => {
      if (messageId !== undefined) aimAt({ conversationId: id, messageId, query });
      onOpen(id);
    },
    [onOpen, query],
  );
  const remove = useCallback(
    (conversation: Conversation) => {
      const wasActive = conversation.id === activeId;
      const rows = [...(list.current?.querySelectorAll<HTMLElement>('[data-chat]') ?? [])];
      const at = rows.findIndex((row) => row.dataset.chat === conversation.id);
      const next = rows[at + 1] ?? rows[at - 1];
      if (wasActive) onOpen(null);
      const undone = () => {
        if (wasActive && location.search === '') onOpen(conversation.id);
      };
      const moveFocus = () => {
        // The menu gave the focus to a button that is removed with the row.
        const composer = document.querySelector<HTMLElement>('main form textarea');
        const neighbour = next?.isConnected === true ? next : search.current;
        requestAnimationFrame(() => (wasActive ? composer : neighbour)?.focus());
      };
      deletion.run(({ deleteChat }) => void deleteChat(conversation, undone).then(moveFocus));
    },
    [activeId, onOpen],
  );
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div className="mx-2 mb-1 flex h-8 shrink-0 items-center rounded-md text-ink-3 focus-within:bg-hover hover:bg-hover pointer-coarse:h-10">
        <label className="flex h-full min-w-0 flex-1 items-center gap-2 px-2">
          <Search className="size-4 shrink-0" strokeWidth={1.75} aria-hidden />
          <span className="sr-only">{S.search}</span>
          <input
            ref={search}
            type="search"
            value={query}
            onChange={(event) => setQuery(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'Escape' || query === '') return;
              event.preventDefault();
              event.stopPropagation();
              setQuery('');
            }}
            placeholder={S.searchPlaceholder}
            className="min-w-0 flex-1 appearance-none bg-transparent text-ink text-sm outline-none placeholder:text-ink-3 [&::-webkit-search-cancel-button]:hidden"
          />
        </label>
        {query === '' ? null : (
          <button
            type="button"
            aria-label={S.clearSearch}
            onClick={() => {
              setQuery('');
              search.current?.focus();
            }}
            className={clsx(ICON_BUTTON, 'me-0.5 size-7')}
          >
            <X className="size-3.5" aria-hidden />
          </button>
        )}
      </div>
      <div ref={list} className="scroller min-h-0 flex-1 px-2 pb-3">
        <p role="status" className={clsx('px-2 text-ink-3 text-xs', isSearching ? 'py-1' : 'sr-only')}>
          {isSearching ? S.searching : ''}
        </p>
        {ready ? null : <Skeleton />}
        {ready && found.length === 0 && !isSearching ? (
          <p className="px-2 py-3 text-ink-3 text-sm [overflow-wrap:anywhere]">
            {query.trim() === '' ? S.empty : S.noMatch(query.trim())}
          </p>
        ) : null}
        {[...groups].map(([group, members]) => (
          <section key={group} aria-label={group}>
            <h2 className="px-2 pt-3 pb-1 text-ink-3 text-xs">{group}</h2>
            <ul>
              {members.map(({ conversation, hit }) => (
                <HistoryRow
                  key={conversation.id}
                  conversation={conversation}
                  hit={hit}
                  query={query}
                  mark={running.has(conversation.id) ? 'running' : unread.has(conversation.id) ? 'unread' : undefined}
                  isActive={conversation.id === activeId}
                  onOpen={open}
                  onRemove={remove}
                />
              ))}
            </ul>
          </section>
        ))}
      </div>
      {unsaved ? <p className="border-t px-4 py-2 text-ink-2 text-xs">{S.unsaved}</p> : null}
    </div>
  );
});

const WIDTHS = ['w-4/5', 'w-3/5', 'w-2/3', 'w-1/2'] as const;

function Skeleton() {
  return (
    <div aria-hidden className="flex flex-col gap-4 px-2 pt-4">
      {WIDTHS.map((width) => (
        <div key={width} className={clsx('skeleton h-4', width)} />
      ))}
    </div>
  );
}
