'use client';

import clsx from 'clsx';
import { Ellipsis } from 'lucide-react';
import { type MouseEvent, memo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { SnippetText } from '#components/chat/snippet-text';
import { TitleField } from '#components/chat/title-field';
import { ICON_BUTTON } from '#components/ui/icon-button';
import { loadable, useLoaded } from '#lib/browser/loadable';
import type { Conversation } from './conversation.ts';
import { deletion } from './lazy-actions.ts';
import type { MessageHit } from './message-search.ts';
import { chatAddress } from './search-target.ts';
import { HISTORY_STRINGS as S } from './strings/history.ts';

const menu = loadable(() => {
  // Without a network it could not be fetched when it is chosen.
  deletion.preload();
  return import('#components/chat/history-row-menu').then(({ HistoryRowMenu }) => HistoryRowMenu);
});

interface HistoryRowProps {
  conversation: Conversation;
  hit: MessageHit | undefined;
  /** The words that `hit` was found by. */
  query: string;
  mark: 'running' | 'unread' | undefined;
  isActive: boolean;
  onOpen: (id: string, messageId?: string) => void;
  onRemove: (conversation: Conversation) => void;
}

/** A conversation in the list: a link, so that it opens in a new tab as well. */
export const HistoryRow = memo(function HistoryRow({
  conversation,
  hit,
  query,
  mark,
  isActive,
  onOpen,
  onRemove,
}: HistoryRowProps) {
  const { id, title } = conversation;
  const [renaming, setRenaming] = useState(false);
  const opener = useRef<HTMLAnchorElement>(null);
  if (renaming)
    return (
      <li className="flex h-8 items-center pointer-coarse:h-10">
        <TitleField
          conversation={conversation}
          onDone={(byKey) => {
            flushSync(() => setRenaming(false));
            if (byKey) opener.current?.focus();
          }}
          className="h-full w-full"
        />
      </li>
    );
  const open = (event: MouseEvent) => {
    if (!isPlainClick(event)) return;
    event.preventDefault();
    onOpen(id, hit?.messageId);
  };
  const address = chatAddress(id, hit === undefined ? undefined : { messageId: hit.messageId, query });
  return (
    <li
      className={clsx(
        'group/row relative flex min-h-8 items-center rounded-md pointer-coarse:min-h-10',
        isActive ? 'bg-pressed' : 'hover:bg-hover',
      )}
    >
      <a
        ref={opener}
        href={address}
        data-chat={id}
        aria-current={isActive ? 'page' : undefined}
        onClick={open}
        title={title}
        className="flex min-h-8 min-w-0 flex-1 flex-col justify-center rounded-md px-2 py-1 text-start text-sm pointer-coarse:min-h-10"
      >
        <span className="flex items-center gap-2">
          <span dir="auto" className={clsx('min-w-0 flex-1 truncate', mark === 'unread' && 'font-medium')}>
            {title}
          </span>
          {mark === undefined ? null : <Mark mark={mark} />}
        </span>
        {hit === undefined ? null : (
          <span dir="auto" className="line-clamp-2 pe-6 text-ink-3 text-xs [overflow-wrap:anywhere]">
            <SnippetText snippet={hit.snippet} />
          </span>
        )}
      </a>
      <RowMenuButton conversation={conversation} onRename={() => setRenaming(true)} onRemove={onRemove} />
    </li>
  );
});

interface RowMenuButtonProps {
  conversation: Conversation;
  onRename: () => void;
  onRemove: (conversation: Conversation) => void;
}

/** The menu of a row. Its code is loaded when a pointer or the focus reaches the button. */
function RowMenuButton({ conversation, ...actions }: RowMenuButtonProps) {
  const [wanted, setWanted] = useState(false);
  const isThere = useLoaded(wanted, menu, () => setWanted(false));
  const trigger = {
    'aria-label': S.more(conversation.title),
    className: MENU_BUTTON,
    children: <Ellipsis className="size-4" aria-hidden />,
  };
  if (isThere)
    return <menu.Component conversation={conversation} trigger={<button type="button" {...trigger} />} {...actions} />;
  return (
    <button
      type="button"
      {...trigger}
      onClick={() => setWanted(true)}
      onPointerEnter={menu.preload}
      onFocus={menu.preload}
      aria-haspopup="menu"
      aria-expanded={false}
    />
  );
}

const MENU_BUTTON = clsx(
  ICON_BUTTON,
  'pointer-fine:absolute pointer-fine:top-0 pointer-fine:right-0 pointer-fine:bg-inherit pointer-fine:opacity-0 focus-visible:opacity-100 group-hover/row:opacity-100 data-popup-open:opacity-100',
);

function isPlainClick({ button, ctrlKey, metaKey, shiftKey, altKey }: MouseEvent): boolean {
  return button === 0 && !ctrlKey && !metaKey && !shiftKey && !altKey;
}

function Mark({ mark }: { mark: 'running' | 'unread' }) {
  return (
    <span className="flex shrink-0 items-center pointer-fine:group-focus-within/row:me-6 pointer-fine:group-hover/row:me-6">
      <span
        aria-hidden
        className={clsx(
          'size-2 rounded-full forced-colors:border',
          mark === 'running' ? 'border-2 border-accent' : 'bg-accent',
        )}
      />
      <span className="sr-only">{mark === 'running' ? S.running : S.unread}</span>
    </span>
  );
}
