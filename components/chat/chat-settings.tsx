'use client';

import { SlidersHorizontal } from 'lucide-react';
import { type ReactNode, useCallback, useMemo, useRef, useState } from 'react';
import { IconButton } from '#components/ui/icon-button';
import { loadable, useLoaded } from '#lib/browser/loadable';
import { readDraft, readShared, useStored, writeDraft, writeShared } from '#lib/browser/local-storage';
import type { Think } from '#lib/wire/chat';
import type { Models } from '#lib/wire/models';
import { type ChatSettings, type Conversation, NO_SETTINGS } from './conversation.ts';
import { NEW_CHAT } from './history-db.ts';
import { isSameSettings, settingsFromText, settingsToText } from './settings-storage.ts';
import { CONTEXT_STRINGS as S } from './strings/context.ts';
import { chatStore } from './use-chat.ts';

const panel = loadable(() => import('./settings-panel.tsx').then(({ SettingsPanel }) => SettingsPanel));

/** Settings with which new chats begin. */
const DEFAULTS_KEY = 'chat-defaults';
/** Settings of the chat that is not sent yet, per tab. */
const NEW_CHAT_KEY = 'chat-settings';

export interface ChatSettingsControls {
  settings: ChatSettings;
  /** Also for new chats, as the choice of a model is. */
  chooseThinking: (think: Think | undefined) => void;
  /** To be called when a new chat was sent with its settings. */
  handleSent: () => void;
  show: () => void;
  isOpen: boolean;
  button: ReactNode;
  panel: ReactNode;
}

/** The settings of the shown chat, with the button and the panel that change them. */
export function useChatSettings(
  conversation: Conversation | undefined,
  models: Models | undefined,
  model: string | null,
): ChatSettingsControls {
  const [storedDefaults, setStoredDefaults] = useStored(DEFAULTS_KEY, writeShared, readShared);
  const [storedNew, setStoredNew] = useStored(NEW_CHAT_KEY, writeDraft, readDraft);
  const defaults = useMemo(() => settingsFromText(storedDefaults) ?? NO_SETTINGS, [storedDefaults]);
  const newSettings = useMemo(() => settingsFromText(storedNew), [storedNew]);
  const settings = conversation === undefined ? (newSettings ?? defaults) : settingsOf(conversation);
  const id = conversation?.id;

  const [open, setOpen] = useState(false);
  const isLoaded = useLoaded(open, panel);
  const button = useRef<HTMLButtonElement>(null);
  const close = useCallback(() => {
    setOpen(false);
    button.current?.focus();
  }, []);
  const show = useCallback(() => setOpen(true), []);
  const configure = useCallback(
    (next: ChatSettings) => {
      if (id !== undefined) chatStore().configure(id, next);
      // Not as empty text, which would mean the settings of new chats.
      else setStoredNew(JSON.stringify(next));
    },
    [id, setStoredNew],
  );
  const saveDefaults = useCallback(
    (next: ChatSettings) => setStoredDefaults(settingsToText(next)),
    [setStoredDefaults],
  );
  // Another tab may have changed the rest.
  const saveThink = (think: Think | undefined) =>
    saveDefaults({ ...(settingsFromText(readShared(DEFAULTS_KEY)) ?? NO_SETTINGS), think });
  const isCustomised = !isSameSettings(settings, NO_SETTINGS);
  return {
    settings,
    chooseThinking(think) {
      configure({ ...settings, think });
      saveThink(think);
    },
    handleSent: () => setStoredNew(''),
    show,
    isOpen: open,
    button: (
      <IconButton
        ref={button}
        label={isCustomised ? S.customised : S.settings}
        side="bottom"
        aria-expanded={open}
        onClick={() => (open ? close() : setOpen(true))}
        onPointerEnter={panel.preload}
        className="relative"
      >
        <SlidersHorizontal className="size-[1.125rem]" strokeWidth={1.75} aria-hidden />
        {isCustomised ? <span className="absolute end-1 top-1 size-1.5 rounded-full bg-accent" /> : null}
      </IconButton>
    ),
    panel: isLoaded ? (
      <panel.Component
        chat={id ?? NEW_CHAT}
        open={open}
        onClose={close}
        settings={settings}
        defaults={defaults}
        models={models}
        model={model}
        onChange={configure}
        onChangeDefaults={saveDefaults}
        onThink={saveThink}
      />
    ) : null,
  };
}

function settingsOf({ systemPrompt, sampling = {}, think }: Conversation): ChatSettings {
  return { systemPrompt, sampling, think };
}
