import type { Think } from '#lib/wire/chat';
import type { Models } from '#lib/wire/models';
import type { ChatSettings } from './conversation.ts';

export interface SettingsPanelProps {
  /** The conversation's id, or the key of the new chat. */
  chat: string;
  open: boolean;
  onClose: () => void;
  settings: ChatSettings;
  /** Settings with which new chats begin. */
  defaults: ChatSettings;
  models: Models | undefined;
  model: string | null;
  onChange: (settings: ChatSettings) => void;
  onChangeDefaults: (settings: ChatSettings) => void;
  onThink: (think: Think | undefined) => void;
}
