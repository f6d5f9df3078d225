'use client';

import { statusSentence } from './status-sentence.ts';
import { useChatSelector } from './use-chat.ts';

/** The state of a response for screen readers: one sentence per step, not per token. */
export function StreamingStatus({ conversationId, leafId }: { conversationId: string | null; leafId: string | null }) {
  const message = useChatSelector(({ threads }) =>
    conversationId === null || leafId === null ? undefined : threads.get(conversationId)?.get(leafId),
  );
  const activity = useChatSelector((state) => (leafId === null ? undefined : state.activity.get(leafId)));
  return statusSentence(message, activity);
}
