import { type RefObject, useCallback, useLayoutEffect, useRef } from 'react';
import { isOffline } from '#lib/browser/connection';
import { newId } from '#lib/browser/new-id';
import type { Models } from '#lib/wire/models';
import type { ChatSettingsControls } from './chat-settings.tsx';
import type { ChatState, ModelChoice } from './chat-state.ts';
import { type Conversation, EMPTY_THREAD, isRunning, NO_SETTINGS, pathTo } from './conversation.ts';
import { clearSentText } from './draft.ts';
import { NEW_CHAT } from './history-db.ts';
import { LateQueue } from './late-queue.ts';
import { modelChoice } from './model-capabilities.ts';
import { loadedOutbox, loadOutbox } from './outbox.ts';
import type { QueuedMessage, Wait } from './queued-message.ts';
import { requestSizeError } from './request-size.ts';
import type { RegenerateOptions } from './response-menu-props.ts';
import { addressedChat } from './search-target.ts';
import { COMPOSER_STRINGS } from './strings/composer.ts';
import type { Attachments } from './use-attachments.ts';
import { chatStore } from './use-chat.ts';

type NewQueuedMessage = Omit<QueuedMessage, 'page' | 'held'>;

const lateQueue = new LateQueue<NewQueuedMessage>({ loaded: loadedOutbox, load: loadOutbox });

/** What every waiting message has. */
function queuedPart(chat: string) {
  return { id: newId(), chat, createdAt: Date.now(), images: [], files: [], settings: NO_SETTINGS };
}

interface SendingOptions {
  activeId: string | null;
  conversation: Conversation | undefined;
  models: Models | undefined;
  choice: ModelChoice;
  chatSettings: Pick<ChatSettingsControls, 'settings' | 'handleSent'>;
  runningId: string | undefined;
  attachments: Attachments;
  /** Says that the model reads no images. */
  noVisionSentence: string;
  /** The waiting messages of the chat, and for what they wait. */
  queued: readonly QueuedMessage[];
  wait: Wait | undefined;
  field: RefObject<HTMLTextAreaElement | null>;
  show: (id: string | null) => void;
  scrollToEnd: () => void;
}

/** Sends and queues messages, and changes what was sent. */
export function useSending({
  activeId,
  conversation,
  models,
  choice,
  chatSettings,
  runningId,
  attachments,
  noVisionSentence,
  queued,
  wait,
  field,
  show,
  scrollToEnd,
}: SendingOptions) {
  const chat = activeId ?? NEW_CHAT;
  const { settings } = chatSettings;
  const { vision } = choice.capabilities;
  const { refuse } = attachments;
  // Each turn has `ask`, `regenerate` or `edit`: if they changed when the list of models arrives,
  // all turns would render again.
  const latest = useRef({ choice, models, refuse });
  useLayoutEffect(() => {
    latest.current = { choice, models, refuse };
  });
  /** Returns true if the message waits now. Otherwise `onQueued` is called when it does. */
  const queue = useCallback(
    (message: NewQueuedMessage, isInField: boolean, onQueued: () => void) =>
      lateQueue.add(message, isInField, onQueued, () => latest.current.refuse(COMPOSER_STRINGS.notReady)),
    [],
  );
  const send = (text: string) => {
    // The field still has the text that is about to be queued.
    if (lateQueue.isPending(chat)) return false;
    // The view follows the address a moment later: a second press would begin a second chat.
    if (addressedChat() !== activeId) return false;
    const { images, files } = attachments;
    const thread =
      chatStore()
        .state()
        .threads.get(activeId ?? '') ?? EMPTY_THREAD;
    const refusal = requestSizeError({
      path: pathTo(thread, conversation?.leafId ?? null),
      ...{ text, images, files, vision },
      systemPrompt: settings.systemPrompt,
    });
    if (refusal !== undefined || (images.length > 0 && !vision)) {
      attachments.refuse(refusal ?? noVisionSentence);
      return false;
    }
    const contents = { text, images, files: files.map(({ name, text }) => ({ name, text })) };
    // Messages that are held back wait for the reader; the others are sent in their order.
    if (runningId !== undefined || isOffline() || (queued.length > 0 && wait !== 'reader')) {
      const message = { ...queuedPart(chat), ...contents, ...choice, settings };
      const clearSent = () => {
        clearSentText(chat, text);
        for (const { id } of [...images, ...files]) attachments.remove(id);
      };
      if (!queue(message, true, clearSent)) return false;
    } else {
      const id = chatStore().send({
        ...{ conversationId: conversation?.id ?? null, ...contents, settings },
        ...choice,
      });
      if (id !== activeId) show(id);
    }
    if (conversation === undefined) chatSettings.handleSent();
    attachments.clear();
    scrollToEnd();
    return true;
  };
  const ask = useCallback(
    (text: string) => {
      if (activeId === null) return;
      const { choice } = latest.current;
      if (runningLeaf(chatStore().state(), activeId) === undefined && !isOffline())
        chatStore().send({ conversationId: activeId, text, ...choice });
      else queue({ ...queuedPart(activeId), text, ...choice }, false, scrollToEnd);
      scrollToEnd();
    },
    [activeId, queue, scrollToEnd],
  );
  const regenerate = useCallback(
    (responseId: string, { model: other, isOnce = false, continues = false }: RegenerateOptions = {}) => {
      if (activeId === null) return;
      const { choice, models } = latest.current;
      const chosen = other === undefined ? choice : { ...modelChoice(models, other), isOnce };
      if (continues) return chatStore().continueResponse(activeId, responseId, chosen);
      chatStore().regenerate(activeId, responseId, chosen);
      scrollToEnd();
    },
    [activeId, scrollToEnd],
  );
  const edit = useCallback(
    (questionId: string, text: string) => {
      if (activeId === null) return;
      chatStore().edit(activeId, questionId, text, latest.current.choice);
      field.current?.focus();
      scrollToEnd();
    },
    [activeId, field, scrollToEnd],
  );
  const stop = () => {
    if (activeId !== null && runningId !== undefined) chatStore().stop(activeId, runningId);
  };
  return { send, ask, regenerate, edit, stop };
}

/** The id of the running response at the end of a conversation. */
export function runningLeaf({ conversations, threads }: ChatState, id: string | null): string | undefined {
  const leafId = conversations.find((conversation) => conversation.id === id)?.leafId;
  const leaf = id === null || leafId == null ? undefined : threads.get(id)?.get(leafId);
  return leaf !== undefined && isRunning(leaf) ? leaf.id : undefined;
}
