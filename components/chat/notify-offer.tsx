'use client';

import { Bell } from 'lucide-react';
import { useCallback, useState } from 'react';
import { Button } from '#components/ui/button';
import { useStored } from '#lib/browser/local-storage';
import type { ChatState } from './chat-state.ts';
import { canNotify, NOTIFY_KEY, turnNotificationsOn } from './response-notification.ts';
import { CHAT_ACTION_STRINGS as S } from './strings/chat-actions.ts';
import { useChatSelector } from './use-chat.ts';

interface NotifyOfferProps {
  conversationId: string | null;
  leafId: string | null;
}

/** Offers notifications once, while a response is queued. The browser asks after a click. */
export function NotifyOffer({ conversationId, leafId }: NotifyOfferProps) {
  const isQueued = useChatSelector(
    useCallback(
      ({ threads }: ChatState) => {
        const leaf = leafId === null ? undefined : threads.get(conversationId ?? '')?.get(leafId);
        return leaf?.role === 'assistant' && leaf.state === 'waiting' && leaf.queue !== undefined;
      },
      [conversationId, leafId],
    ),
  );
  const [choice, choose] = useStored(NOTIFY_KEY);
  const [isAsking, setAsking] = useState(false);
  if (!isQueued || choice !== '' || isAsking || !canNotify()) return null;
  return (
    <div className="mb-1.5 flex flex-wrap items-center gap-x-2 gap-y-1 text-ink-2 text-xs">
      <Bell className="size-3.5 shrink-0" aria-hidden />
      <span className="min-w-0 flex-1 basis-48">{S.notifyOffer}</span>
      <Button
        size="sm"
        onClick={() => {
          setAsking(true);
          void turnNotificationsOn();
        }}
      >
        {S.notifyAction}
      </Button>
      <Button size="sm" kind="quiet" onClick={() => choose('off')}>
        {S.notifyDismiss}
      </Button>
    </div>
  );
}
