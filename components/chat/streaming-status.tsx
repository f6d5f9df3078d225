'use client';

import type { ChatMessage } from '#lib/client/conversation';
import { queuePlace } from '#lib/client/format';

/** Tells screen readers where an answer stands: a sentence at each step, never each token. */
export function StreamingStatus({ message }: { message: ChatMessage | undefined }) {
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
        : `In the queue: ${queuePlace(message.queue.position, message.queue.waitMs)}.`;
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
