'use client';

import clsx from 'clsx';
import { Ellipsis, FileDown, Pencil, Search, Trash2 } from 'lucide-react';
import { memo, useEffect, useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { Confirm } from '#components/ui/dialog';
import { ICON_BUTTON } from '#components/ui/icon-button';
import { Menu } from '#components/ui/menu';
import { dayGroup } from '#lib/browser/format';
import type { Conversation } from './conversation.ts';
import { exportMarkdown } from './conversation-files.ts';
import { forgetDraft } from './draft.ts';
import { chatStore, useChatField } from './use-chat.ts';
import { useHistorySearch } from './use-history-search.ts';

interface HistoryListProps {
  activeId: string | null;
  onOpen: (id: string | null) => void;
}

/** The conversations of this browser, newest first, grouped by day. */
export const HistoryList = memo(function HistoryList({ activeId, onOpen }: HistoryListProps) {
  const ready = useChatField('ready');
  const conversations = useChatField('conversations');
  const unsaved = useChatField('unsaved');
  const [query, setQuery] = useState('');
  const found = useHistorySearch(query, conversations);
  const [removing, setRemoving] = useState<Conversation>();
  const search = useRef<HTMLInputElement>(null);
  const groups = useMemo(() => Map.groupBy(found, ({ updatedAt }) => dayGroup(updatedAt, Date.now())), [found]);
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <label className="mx-2 mb-1 flex h-8 shrink-0 items-center gap-2 rounded-md px-2 text-ink-3 focus-within:bg-hover hover:bg-hover pointer-coarse:h-10">
        <Search className="size-4 shrink-0" strokeWidth={1.75} aria-hidden />
        <span className="sr-only">Search conversations</span>
        <input
          ref={search}
          type="search"
          value={query}
          onChange={(event) => setQuery(event.target.value)}
          placeholder="Search"
          className="min-w-0 flex-1 bg-transparent text-ink text-sm outline-none placeholder:text-ink-3"
        />
      </label>
      <div className="scroller min-h-0 flex-1 px-2 pb-3">
        {ready ? null : <Skeleton />}
        {ready && found.length === 0 ? (
          <p className="px-2 py-3 text-ink-3 text-sm">
            {query.trim() === '' ? 'Conversations appear here. They stay in this browser.' : 'Nothing found.'}
          </p>
        ) : null}
        {[...groups].map(([group, members]) => (
          <section key={group} aria-label={group}>
            <h2 className="px-2 pt-3 pb-1 text-ink-3 text-xs">{group}</h2>
            <ul>
              {members.map((conversation) => (
                <Row
                  key={conversation.id}
                  conversation={conversation}
                  isActive={conversation.id === activeId}
                  onOpen={() => onOpen(conversation.id)}
                  onRemove={() => setRemoving(conversation)}
                />
              ))}
            </ul>
          </section>
        ))}
      </div>
      {unsaved ? (
        <p className="border-t px-4 py-2 text-ink-2 text-xs">
          This browser keeps nothing for this page: conversations end when it is closed.
        </p>
      ) : null}
      <Confirm
        open={removing !== undefined}
        onOpenChange={(open) => {
          if (!open) setRemoving(undefined);
        }}
        title="Delete this conversation?"
        description={`“${removing?.title ?? ''}” and all its messages are removed from this browser. This cannot be undone.`}
        action="Delete"
        danger
        onConfirm={() => {
          if (removing === undefined) return;
          if (removing.id === activeId) onOpen(null);
          else search.current?.focus();
          forgetDraft(removing.id);
          void chatStore().remove(removing.id);
        }}
      />
    </div>
  );
});

interface RowProps {
  conversation: Conversation;
  isActive: boolean;
  onOpen: () => void;
  onRemove: () => void;
}

function Row({ conversation, isActive, onOpen, onRemove }: RowProps) {
  const [renaming, setRenaming] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const endRename = (byKey: boolean) => {
    flushSync(() => setRenaming(false));
    if (byKey) opener.current?.focus();
  };
  if (renaming) return <Rename conversation={conversation} onDone={endRename} />;
  return (
    <li
      className={clsx(
        'group/row relative flex h-8 items-center rounded-md pointer-coarse:h-10',
        isActive ? 'bg-pressed' : 'hover:bg-hover',
      )}
    >
      <button
        ref={opener}
        type="button"
        dir="auto"
        aria-current={isActive ? 'true' : undefined}
        onClick={onOpen}
        title={conversation.title}
        className="h-full min-w-0 flex-1 truncate rounded-md px-2 text-start text-sm"
      >
        {conversation.title}
      </button>
      <Menu
        trigger={
          <button
            type="button"
            aria-label={`More for ${conversation.title}`}
            className={clsx(
              ICON_BUTTON,
              'size-7 pointer-fine:absolute pointer-fine:right-0.5 pointer-fine:bg-inherit pointer-fine:opacity-0 focus-visible:opacity-100 group-hover/row:opacity-100 data-popup-open:opacity-100',
            )}
          >
            <Ellipsis className="size-4" aria-hidden />
          </button>
        }
        items={[
          {
            label: 'Export as Markdown',
            icon: <FileDown className="size-4" aria-hidden />,
            onSelect: () => void exportMarkdown(conversation),
          },
          { label: 'Rename', icon: <Pencil className="size-4" aria-hidden />, onSelect: () => setRenaming(true) },
          { label: 'Delete', icon: <Trash2 className="size-4" aria-hidden />, danger: true, onSelect: onRemove },
        ]}
      />
    </li>
  );
}

interface RenameProps {
  conversation: Conversation;
  /** `byKey`: the focus was in the field until now. */
  onDone: (byKey: boolean) => void;
}

function Rename({ conversation, onDone }: RenameProps) {
  const [title, setTitle] = useState(conversation.title);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    // Runs after the menu has returned the focus to a button that no longer exists.
    const frame = requestAnimationFrame(() => field.current?.select());
    return () => cancelAnimationFrame(frame);
  }, []);
  const save = (byKey: boolean) => {
    chatStore().rename(conversation.id, title);
    onDone(byKey);
  };
  return (
    <li className="flex h-8 items-center pointer-coarse:h-10">
      <input
        ref={field}
        aria-label="Title of the conversation"
        value={title}
        maxLength={200}
        onChange={(event) => setTitle(event.target.value)}
        onBlur={() => save(false)}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing || (event.key !== 'Enter' && event.key !== 'Escape')) return;
          // The key must not reach the button that gets the focus next.
          event.preventDefault();
          if (event.key === 'Enter') save(true);
          else onDone(true);
        }}
        className="h-full w-full rounded-md border border-line-strong bg-surface px-2 text-sm outline-none"
      />
    </li>
  );
}

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
