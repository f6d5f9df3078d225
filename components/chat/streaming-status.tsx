'use client';

import type { ResponsePhase } from './chat-state.ts';
import type { ChatMessage } from './conversation.ts';
import { TURN_STRINGS } from './strings/turns.ts';
import { useChatSelector } from './use-chat.ts';

/** The state of a response for screen readers: one sentence per step, not per token. */
export function StreamingStatus({ conversationId, leafId }: { conversationId: string | null; leafId: string | null }) {
  const message = useChatSelector(({ threads }) =>
    conversationId === null || leafId === null ? undefined : threads.get(conversationId)?.get(leafId),
  );
  const activity = useChatSelector((state) => (leafId === null ? undefined : state.activity.get(leafId)));
  return sentence(message, activity);
}

function sentence(message: ChatMessage | undefined, activity: ResponsePhase | undefined): string {
  if (message === undefined || message.role === 'user') return '';
  if (activity === 'reconnecting') return TURN_STRINGS.reconnecting;
  switch (message.state) {
    case 'waiting':
      return message.queue === undefined
        ? TURN_STRINGS.statusWaiting
        : `${TURN_STRINGS.queued(message.queue.position, message.queue.waitMs)}.`;
    case 'streaming':
      return message.content === '' ? TURN_STRINGS.statusThinking : TURN_STRINGS.statusWriting;
    case 'done':
      return TURN_STRINGS.statusDone;
    case 'stopped':
      return message.cancelledBy === 'operator' ? TURN_STRINGS.cancelledByOperator : TURN_STRINGS.statusStopped;
    case 'failed':
      return '';
  }
}
