'use client';

import { formatQueuePosition } from '#lib/browser/format';
import type { ChatMessage } from './conversation.ts';
import { useChatSelector } from './use-chat.ts';

/** Announces the state of a response to screen readers: one sentence per step, not per token. */
export function StreamingStatus({ conversationId, leafId }: { conversationId: string | null; leafId: string | null }) {
  const message = useChatSelector(({ threads }) =>
    conversationId === null || leafId === null ? undefined : threads.get(conversationId)?.get(leafId),
  );
  return (
    <p role="status" className="sr-only">
      {sentence(message)}
    </p>
  );
}

function sentence(message: ChatMessage | undefined): string {
  if (message === undefined || message.role === 'user') return '';
  switch (message.state) {
    case 'waiting':
      return message.queue === undefined
        ? 'Waiting for the answer.'
        : `In the queue: ${formatQueuePosition(message.queue.position, message.queue.waitMs)}.`;
    case 'streaming':
      return message.content === '' ? 'The model reasons.' : 'The answer is being written.';
    case 'done':
      return 'The answer is complete.';
    case 'stopped':
      return 'The answer was stopped.';
    case 'failed':
      return '';
  }
}
