'use client';

import { ExternalLink, FileDown, Link2, Pencil, Trash2 } from 'lucide-react';
import { MenuPopup } from '#components/ui/menu-popup';
import type { MenuProps } from '#components/ui/popup-props';
import { copyChatLink } from './chat-link.ts';
import type { Conversation } from './conversation.ts';
import { exportMarkdown } from './conversation-files.ts';
import { chatAddress } from './search-target.ts';
import { CHAT_ACTION_STRINGS as S } from './strings/chat-actions.ts';

interface HistoryRowMenuProps extends Pick<MenuProps, 'trigger'> {
  conversation: Conversation;
  onRename: () => void;
  onRemove: (conversation: Conversation) => void;
}

/** What one can do with a conversation in the list. Open from its first render. */
export function HistoryRowMenu({ conversation, trigger, onRename, onRemove }: HistoryRowMenuProps) {
  const { id } = conversation;
  return (
    <MenuPopup
      trigger={trigger}
      items={[
        {
          label: S.openInNewTab,
          icon: <ExternalLink className="size-4" aria-hidden />,
          onSelect: () => void window.open(chatAddress(id), '_blank', 'noopener'),
        },
        {
          label: S.copyLink,
          icon: <Link2 className="size-4" aria-hidden />,
          onSelect: () => copyChatLink(id),
        },
        {
          label: S.exportMarkdown,
          icon: <FileDown className="size-4" aria-hidden />,
          onSelect: () => void exportMarkdown(conversation),
        },
        { label: S.rename, icon: <Pencil className="size-4" aria-hidden />, onSelect: onRename },
        {
          label: S.delete,
          icon: <Trash2 className="size-4" aria-hidden />,
          danger: true,
          onSelect: () => onRemove(conversation),
        },
      ]}
    />
  );
}
