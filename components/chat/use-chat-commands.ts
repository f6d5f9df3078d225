import { type RefObject, useEffect, useMemo, useRef, useState } from 'react';
import { type PageCommand, usePageCommands } from '#lib/browser/page-commands';
import type { Conversation } from './conversation.ts';
import { deletion, files, links } from './lazy-actions.ts';
import { HISTORY_STRINGS as S } from './strings/history.ts';
import { chatStore } from './use-chat.ts';

interface ChatCommandOptions {
  conversation: Conversation | undefined;
  /** The running response at the end of the conversation. */
  runningId: string | undefined;
  onRegenerate: (responseId: string) => void;
  onTogglePanel: () => void;
  onShow: (conversationId: string | null) => void;
}

interface ChatCommands {
  renaming: boolean;
  setRenaming: (renaming: boolean) => void;
  /** The element around the settings button, which a command presses. */
  settings: RefObject<HTMLElement | null>;
}

/** Offers the actions of the chat page in the command menu. */
export function useChatCommands(options: ChatCommandOptions): ChatCommands {
  const [renaming, setRenaming] = useState(false);
  const settings = useRef<HTMLElement>(null);
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  const { conversation, runningId } = options;
  const id = conversation?.id;
  const leafId = conversation?.leafId ?? undefined;
  // The offer changes with the conversation and its state, not with each render of the page.
  const commands = useMemo((): PageCommand[] => {
    const offered: PageCommand[] = [];
    const offer = (name: string, label: string, run: () => void, shortcut?: string) =>
      offered.push({
        ...{ id: `chat-${name}`, group: S.groupChat, label, run },
        ...(shortcut === undefined ? {} : { shortcut }),
      });
    const withChat = (run: (conversation: Conversation) => void) => () => {
      const { conversation } = latest.current;
      if (conversation !== undefined) run(conversation);
    };
    if (id !== undefined && runningId !== undefined)
      offer('stop', S.stop, () => chatStore().stop(id, runningId), S.stopKey);
    if (id !== undefined && runningId === undefined && leafId !== undefined)
      offer('regenerate', S.regenerate, () => latest.current.onRegenerate(leafId));
    offer('settings', S.settings, () => settings.current?.querySelector('button')?.click());
    offer('toggle', S.toggleList, () => latest.current.onTogglePanel());
    if (id === undefined) return offered;
    offer('rename', S.renameThis, () => setRenaming(true));
    offer('link', S.copyLink, () => links.run(({ copyChatLink }) => copyChatLink(id)));
    offer(
      'export',
      S.exportThis,
      withChat((shown) => files.run(({ exportMarkdown }) => void exportMarkdown(shown))),
    );
    offer(
      'delete',
      S.deleteThis,
      withChat((shown) => {
        latest.current.onShow(null);
        deletion.run(({ deleteChat }) => void deleteChat(shown, () => latest.current.onShow(shown.id)));
      }),
    );
    return offered;
  }, [id, runningId, leafId]);
  usePageCommands(commands);
  return { renaming, setRenaming, settings };
}
