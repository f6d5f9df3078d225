'use client';

import { useModels } from '#lib/browser/service-status';
import { isLongQuestion } from './context-usage.ts';
import { type AssistantMessage, isTextless } from './conversation.ts';
import { modelByName } from './model-capabilities.ts';
import { TURN_STRINGS } from './strings/turns.ts';
import { chatStore, useChatSelector } from './use-chat.ts';

/**
 * The place of a response's footer while it runs: a dot that moves also while no text arrives, and
 * what is waited for. As high as the footer that follows it.
 */
export function ResponseProgress({ message }: { message: AssistantMessage }) {
  const isReconnecting = useChatSelector(({ activity }) => activity.get(message.id) === 'reconnecting');
  return (
    <p className={isTextless(message) ? PROGRESS : `mt-2 ${PROGRESS}`}>
      <Dot key={message.content.length + message.thinking.length} isResting={!isTextless(message)} />
      {isReconnecting ? (
        TURN_STRINGS.reconnecting
      ) : message.isCutOff === true ? (
        TURN_STRINGS.cutOff
      ) : message.state === 'waiting' ? (
        <Waiting message={message} />
      ) : null}
    </p>
  );
}

/**
 * Each piece of text mounts another one, so that it rests while text arrives. The browser would
 * draw the page 60 times a second for its motion, and the text and keys would wait for that.
 */
function Dot({ isResting }: { isResting: boolean }) {
  return (
    <span
      className={`size-2 shrink-0 rounded-full bg-accent ${isResting ? 'breathing-late' : 'breathing'}`}
      aria-hidden
    />
  );
}

const PROGRESS = 'turn-progress flex min-h-8 items-center gap-2.5 text-ink-2 pointer-coarse:min-h-10';

function Waiting({ message: { queue, model, conversationId, parentId } }: { message: AssistantMessage }) {
  const { data } = useModels();
  const isLong = useChatSelector(({ threads }) => {
    const question = parentId === null ? undefined : threads.get(conversationId)?.get(parentId);
    return question?.role === 'user' && isLongQuestion(question);
  });
  if (queue !== undefined)
    return queue.share === undefined ? (
      TURN_STRINGS.queued(queue)
    ) : (
      <span>
        {TURN_STRINGS.queued(queue)}
        <span className="block">{TURN_STRINGS.overShare(queue.share)}</span>
      </span>
    );
  const info = data === undefined ? undefined : modelByName(data, model ?? null);
  // The list is up to half a minute old: a model that has responded since is loaded.
  const isLoaded = info?.loaded !== false || chatStore().hasResponded(info.id);
  if (!isLoaded) return TURN_STRINGS.loadingModel;
  return isLong ? TURN_STRINGS.readingText : TURN_STRINGS.waiting;
}
