import { useEffect, useLayoutEffect, useRef } from 'react';
import { moveDraft } from './draft.ts';
import { NEW_CHAT } from './history-db.ts';
import { onStartedChat } from './outbox.ts';

/** Shows the conversation that a waiting message of the new chat has started. */
export function useStartedChat(activeId: string | null, onSent: () => void, show: (id: string) => void): void {
  const startedId = useRef<string | null>(null);
  useEffect(
    () =>
      onStartedChat((id) => {
        if (activeId !== null) return;
        startedId.current = id;
        onSent();
        show(id);
      }),
    [activeId, onSent, show],
  );
  useLayoutEffect(() => {
    if (activeId === null) return;
    // What was typed until the view changed stays in the field.
    if (activeId === startedId.current) moveDraft(NEW_CHAT, activeId);
    startedId.current = null;
  }, [activeId]);
}
