'use client';

import { contextNotice } from '#components/chat/messages';
import { ModelNotice } from '#components/chat/model-notice';
import { OfflineNote } from '#components/chat/offline-note';
import { useLoaded } from '#lib/browser/loadable';
import type { Models } from '#lib/wire/models';
import type { Conversation } from './conversation.ts';
import { modelByName } from './model-capabilities.ts';
import { COMPOSER_STRINGS } from './strings/composer.ts';

interface ChatNotesProps {
  conversation: Conversation | undefined;
  models: Models | undefined;
  model: string | null;
  /** The tokens that the conversation can have. */
  limit: number | undefined;
  /** The notice about the model that the server rendered, and the hash of one that is hidden. */
  first: string | null;
  hidden: string | undefined;
  /** In a conversation: notes take little room. */
  compact: boolean;
  /** The chat has images, and the model reads none. */
  ignoredImages: boolean;
  onChoose: (model: string) => void;
  /** Undefined if no setting gives the chat a longer context. */
  onLengthen: (() => void) | undefined;
  onNewChat: () => void;
}

/** Notes above the composer: on the connection, the model, and what it cannot read. */
export function ChatNotes({ conversation, models, model, limit, ignoredImages, ...props }: ChatNotesProps) {
  const hasContextNotice = useLoaded(conversation !== undefined, contextNotice);
  const { compact, first, hidden, onChoose, onLengthen, onNewChat } = props;
  return (
    <>
      <OfflineNote />
      <ModelNotice {...{ compact, first, hidden, model, onChoose }} />
      {hasContextNotice ? <contextNotice.Component {...{ conversation, limit, onLengthen, onNewChat }} /> : null}
      {ignoredImages ? (
        <p className="mb-1.5 text-ink-2 text-xs [overflow-wrap:anywhere]">
          {COMPOSER_STRINGS.imagesNotSent(shownModelName(models, model))}
        </p>
      ) : null}
    </>
  );
}

export function shownModelName(models: Models | undefined, name: string | null): string {
  return (models === undefined ? undefined : modelByName(models, name)?.id) ?? name ?? COMPOSER_STRINGS.theModel;
}
