'use client';

import { contextNotice } from '#components/chat/messages';
import { ModelNotice } from '#components/chat/model-notice';
import { OfflineNote } from '#components/chat/offline-note';
import { useLoaded } from '#lib/browser/loadable';
import type { Models } from '#lib/wire/models';
import type { Attached } from './context-usage.ts';
import type { Conversation } from './conversation.ts';
import { modelByName } from './model-capabilities.ts';
import { COMPOSER_STRINGS } from './strings/composer.ts';

interface ChatNotesProps {
  conversation: Conversation | undefined;
  attachments: Attached;
  models: Models | undefined;
  model: string | null;
  /** The tokens that the conversation can have. */
  limit: number | undefined;
  /** There is something that takes context, and it is drawn. */
  showsContext: boolean;
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
  /** Given for a chat that has messages. */
  onNewChat: (() => void) | undefined;
}

/** Notes above the composer: on the connection, the model, and what it cannot read. */
export function ChatNotes({
  conversation,
  attachments,
  models,
  model,
  limit,
  showsContext,
  ignoredImages,
  ...props
}: ChatNotesProps) {
  const hasContextNotice = useLoaded(showsContext, contextNotice);
  const { compact, first, hidden, onChoose, onLengthen, onNewChat } = props;
  return (
    <>
      <OfflineNote />
      <ModelNotice {...{ compact, first, hidden, model, onChoose }} />
      {hasContextNotice ? (
        <contextNotice.Component {...{ conversation, attachments, limit, onLengthen, onNewChat }} />
      ) : null}
      {ignoredImages ? (
        <p className="mb-1.5 text-ink-2 text-xs [overflow-wrap:anywhere]">
          {COMPOSER_STRINGS.imagesNotSent(shownModelName(models, model))}
        </p>
      ) : null}
    </>
  );
}

/** Whether there is something that takes context: a chat, or an attachment of its first message. */
export function usesContext(conversation: Conversation | undefined, { files, images }: Attached): boolean {
  return conversation !== undefined || files.length > 0 || images.length > 0;
}

export function shownModelName(models: Models | undefined, name: string | null): string {
  return (models === undefined ? undefined : modelByName(models, name)?.id) ?? name ?? COMPOSER_STRINGS.theModel;
}
