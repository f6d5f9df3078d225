import type { ResponsePhase } from './chat-state.ts';
import type { ChatMessage, QueuePosition } from './conversation.ts';
import { TURN_STRINGS } from './strings/turns.ts';

/** What screen readers announce of the last message: one sentence per step, not per token. */
export function statusSentence(message: ChatMessage | undefined, activity: ResponsePhase | undefined): string {
  if (message === undefined || message.role === 'user') return '';
  if (activity === 'reconnecting') return TURN_STRINGS.reconnecting;
  if (message.isCutOff === true && (message.state === 'waiting' || message.state === 'streaming'))
    return TURN_STRINGS.cutOff;
  switch (message.state) {
    case 'waiting':
      return message.queue === undefined ? TURN_STRINGS.statusWaiting : queuedSentence(message.queue);
    case 'streaming':
      return message.content === '' ? TURN_STRINGS.statusThinking : TURN_STRINGS.statusWriting;
    case 'done':
      return message.doneReason === 'length' ? TURN_STRINGS.statusTokenLimit : TURN_STRINGS.statusDone;
    case 'stopped':
      if (message.cancelledBy === 'lock-out') return TURN_STRINGS.lockedOut;
      return message.cancelledBy === 'operator' ? TURN_STRINGS.cancelledByOperator : TURN_STRINGS.statusStopped;
    case 'failed':
      return '';
  }
}

function queuedSentence(queue: QueuePosition): string {
  const place = `${TURN_STRINGS.queued(queue)}.`;
  return queue.share === undefined ? place : `${place} ${TURN_STRINGS.overShare(queue.share)}`;
}
