import { useRouter } from 'next/navigation';
import { useEffect, useMemo } from 'react';
import { dayGroup } from '#lib/browser/format';
import { readStored, writeStored } from '#lib/browser/local-storage';
import { useOfferedCommands } from '#lib/browser/page-commands';
import { useModels } from '#lib/browser/service-status';
import { chooseChatsToImport, exportChats } from '../chat/conversation-files.ts';
import { describeAlias, describeServers, placeWords, serverNames } from '../chat/model-servers.ts';
import { canNotify, isNotifying, turnNotificationsOff, turnNotificationsOn } from '../chat/response-notification.ts';
import { aimAt, chatAddress } from '../chat/search-target.ts';
import { CHAT_ACTION_STRINGS } from '../chat/strings/chat-actions.ts';
import { chatStore, useChatField } from '../chat/use-chat.ts';
import { useMessageHits } from '../chat/use-history-search.ts';
import { THEMES } from '../shell/theme.ts';
import { applyTheme } from '../shell/use-theme.ts';
import type { PaletteCommand } from './command-search.ts';
import { keyName, shortcutHint } from './keyboard-shortcuts.ts';
import { COMMAND_PALETTE_STRINGS as S } from './strings.ts';

const CHAT_MODEL_KEY = 'model';

interface CommandOptions {
  /** As in the navigation: there is no backend, and this person is not the one who adds it. */
  hidesGateway: boolean;
  onShortcuts: () => void;
  onSwitchModel: () => void;
}

export interface Commands {
  /** Listed before anything is typed, in this order. */
  actions: readonly PaletteCommand[];
  models: readonly PaletteCommand[];
  /** Newest first. */
  chats: readonly PaletteCommand[];
}

/** Everything that the palette can do on this page. */
export function useCommands({ hidesGateway, onShortcuts, onSwitchModel }: CommandOptions): Commands {
  const router = useRouter();
  const offered = useOfferedCommands();
  const { data: models } = useModels();
  const conversations = useChatField('conversations');
  const ready = useChatField('ready');
  useEffect(() => {
    if (!ready) void chatStore().load();
  }, [ready]);

  const modelCommands = useMemo((): PaletteCommand[] => {
    const inUse = chosenModel() ?? models?.default_model;
    const servers = models === undefined ? [] : serverNames(models);
    return (models?.models ?? []).map((model) => {
      const { id } = model;
      const hints = [id === inUse ? S.currentModel : '', describeAlias(model), describeServers(model, servers)];
      const hint = hints.filter((part) => part !== '').join(' · ');
      return {
        ...{ id: `model-${id}`, group: S.groupModel, label: S.model(id), keywords: placeWords(model) },
        ...(hint === '' ? {} : { hint }),
        run: () => chooseModel(id),
      };
    });
  }, [models]);

  const actions = useMemo((): PaletteCommand[] => {
    const { platform } = navigator;
    const go = (id: string, label: string, href: string, group: string = S.groupGo): PaletteCommand => ({
      ...{ id, group, label, href },
      run: () => router.push(href),
    });
    return [
      ...offered.map(({ shortcut, ...command }) => ({
        ...command,
        isLate: true,
        ...(shortcut === undefined ? {} : { hint: shortcutHint(shortcut, platform) }),
      })),
      {
        ...go('new', S.newChat, '/'),
        hint: [keyName('Mod', platform), 'Shift', 'O'].join('+'),
        run: () => openChatPage('/', router.push),
      },
      go('playground', S.playground, '/playground'),
      go('dashboard', S.dashboard, '/dashboard'),
      ...(hidesGateway ? [] : [go('gateway', S.gateway, '/gateway')]),
      ...(modelCommands.length === 0
        ? []
        : [{ id: 'switch-model', group: S.groupModel, label: S.switchModel, staysOpen: true, run: onSwitchModel }]),
      ...THEMES.map((theme) => ({
        ...{ id: `theme-${theme}`, group: S.groupTheme, label: S.theme[theme] },
        run: () => applyTheme(theme),
      })),
      { id: 'export-all', group: S.groupManage, label: S.exportAll, run: () => void exportChats() },
      { id: 'import', group: S.groupManage, label: S.importChats, run: chooseChatsToImport },
      ...notificationCommands(),
      go('api', S.apiReference, '/docs/api', S.groupHelp),
      { id: 'shortcuts', group: S.groupHelp, label: S.shortcuts, hint: '?', run: onShortcuts },
    ];
  }, [router, offered, hidesGateway, modelCommands.length, onShortcuts, onSwitchModel]);

  const chats = useMemo(() => {
    const now = Date.now();
    return conversations.map(({ id, title, updatedAt }): PaletteCommand => {
      const href = chatAddress(id);
      const hint = dayGroup(updatedAt, now);
      return { id, group: S.groupChats, label: title, hint, href, run: () => openChatPage(href, router.push) };
    });
  }, [router, conversations]);

  return { actions, models: modelCommands, chats };
}

interface MessageCommands {
  /** The query that `commands` belongs to. */
  query: string;
  commands: readonly PaletteCommand[];
}

/** Chats with a message that contains the words of `query`. Each opens at the newest one. */
export function useMessageCommands(query: string): MessageCommands {
  const router = useRouter();
  const conversations = useChatField('conversations');
  const { query: searched, hits } = useMessageHits(query);
  const commands = useMemo(
    () =>
      conversations.flatMap(({ id, title }): PaletteCommand[] => {
        const hit = hits.get(id);
        if (hit === undefined) return [];
        const { messageId, snippet } = hit;
        return [
          {
            ...{ id: `message-${id}`, group: S.groupMessages, label: title, snippet },
            href: chatAddress(id, { messageId, query: searched }),
            run: () => {
              aimAt({ conversationId: id, messageId, query: searched });
              openChatPage(chatAddress(id), router.push);
            },
          },
        ];
      }),
    [router, conversations, hits, searched],
  );
  return { query: searched, commands };
}

/** The chat page shows another conversation without asking the server. */
function openChatPage(address: string, push: (address: string) => void): void {
  if (location.pathname === '/') history.pushState(null, '', address);
  else push(address);
}

function shownConversation(): string | null {
  return location.pathname === '/' ? new URLSearchParams(location.search).get('c') : null;
}

function chosenModel(): string | undefined {
  const shown = shownConversation();
  const { conversations } = chatStore().state();
  const chosen = conversations.find(({ id }) => id === shown)?.model ?? readStored(CHAT_MODEL_KEY);
  return chosen === '' ? undefined : chosen;
}

function chooseModel(id: string): void {
  writeStored(CHAT_MODEL_KEY, id);
  const shown = shownConversation();
  if (shown !== null) chatStore().chooseModel(shown, id);
}

function notificationCommands(): PaletteCommand[] {
  if (!canNotify()) return [];
  const isOn = isNotifying();
  return [
    {
      id: 'notifications',
      group: S.groupManage,
      label: isOn ? CHAT_ACTION_STRINGS.notifyOff : CHAT_ACTION_STRINGS.notifyOn,
      run: () => {
        if (isOn) turnNotificationsOff();
        else void turnNotificationsOn();
      },
    },
  ];
}
