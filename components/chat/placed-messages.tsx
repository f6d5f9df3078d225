'use client';

import { type ComponentProps, memo, type Ref, useImperativeHandle } from 'react';
import { MessageList } from '#components/chat/message-list';
import { type ReadingPositionOptions, useReadingPosition } from './use-reading-position.ts';

export interface PlacedMessagesHandle {
  /** Scrolls to a turn. */
  goTo: (messageId: string) => void;
  /** Goes to the end of the conversation. */
  goToEnd: () => void;
}

interface PlacedMessagesProps
  extends Omit<ComponentProps<typeof MessageList>, 'anchorId'>,
    Omit<ReadingPositionOptions, 'conversationId' | 'leafId'> {
  handle: Ref<PlacedMessagesHandle>;
}

/** The messages of a conversation, at the place where its reader was. */
export const PlacedMessages = memo(function PlacedMessages({
  conversationId,
  leafId,
  onRegenerate,
  onEdit,
  handle,
  ...view
}: PlacedMessagesProps) {
  const { anchorId, goTo, goToEnd } = useReadingPosition({ conversationId, leafId, ...view });
  useImperativeHandle(handle, () => ({ goTo, goToEnd }), [goTo, goToEnd]);
  return <MessageList key={conversationId} {...{ conversationId, leafId, anchorId, onRegenerate, onEdit }} />;
});
