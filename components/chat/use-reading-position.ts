import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState, useSyncExternalStore } from 'react';
import { EMPTY_THREAD, pathTo } from './conversation.ts';
import { keepReadingPosition, readingPosition } from './reading-position.ts';
import { clearTarget, currentTarget, onTarget, type SearchTarget } from './search-target.ts';
import { clearHits, placeTurn, type TurnPlace, turnElement, turnInView } from './turn-place.ts';
import { chatStore } from './use-chat.ts';

export interface ReadingPositionOptions {
  scroller: RefObject<HTMLElement | null>;
  /** Its messages are there. */
  conversationId: string;
  leafId: string | null;
  pinned: boolean;
  scrollToEnd: () => void;
  /** Stops following the end. */
  release: () => void;
}

interface Shown {
  conversationId: string;
  /** The search result that was followed last. */
  target: SearchTarget | undefined;
  /** The turn that is placed instead of the end. */
  anchor: TurnPlace | undefined;
}

const NEAR_TOP_PX = 12;

function shownAt(conversationId: string, target: SearchTarget | undefined): Shown {
  const hit = target?.conversationId === conversationId ? target : undefined;
  const anchor =
    hit === undefined
      ? readingPosition(conversationId)
      : { messageId: hit.messageId, offset: NEAR_TOP_PX, query: hit.query };
  return { conversationId, target: hit, anchor };
}

/**
 * Shows a conversation where its reader was, at a search result, or at its end. Keeps the position
 * of each conversation.
 */
export function useReadingPosition({
  scroller,
  conversationId,
  leafId,
  pinned,
  scrollToEnd,
  release,
}: ReadingPositionOptions) {
  const target = useSyncExternalStore(onTarget, currentTarget, () => undefined);
  const [shown, setShown] = useState(() => shownAt(conversationId, target));
  const isNewTarget = target !== undefined && target.conversationId === conversationId && target !== shown.target;
  // During rendering, so that the list renders the turns around the anchor and not the last ones.
  if (shown.conversationId !== conversationId || isNewTarget) setShown(shownAt(conversationId, target));
  const { anchor } = shown;
  /** The conversation that was placed since it is shown, and the anchor that was used for it. */
  const placed = useRef<{ conversationId: string; anchor: TurnPlace | undefined }>(undefined);
  const stopPlacing = useRef<() => void>(undefined);

  // Before the paint: the end must not flash up.
  useLayoutEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    const isPlaced = placed.current?.conversationId === conversationId && placed.current.anchor === anchor;
    if (isPlaced) return;
    stopPlacing.current?.();
    if (anchor?.query === undefined) clearHits();
    if (anchor !== undefined) release();
    if (anchor === undefined) {
      placed.current = { conversationId, anchor };
      scrollToEnd();
      return;
    }
    const turn = turnElement(element, anchor.messageId);
    if (turn !== null) {
      placed.current = { conversationId, anchor };
      stopPlacing.current = placeTurn(element, turn, anchor);
      clearTarget(conversationId);
      return;
    }
    // Another version of the turn is shown, or the message was deleted.
    const thread = chatStore().state().threads.get(conversationId) ?? EMPTY_THREAD;
    if (!thread.has(anchor.messageId)) setShown({ conversationId, target, anchor: undefined });
    else if (!pathTo(thread, leafId).some(({ id }) => id === anchor.messageId))
      chatStore().showVersion(conversationId, anchor.messageId);
  }, [scroller, conversationId, leafId, anchor, target, scrollToEnd, release]);

  useEffect(() => {
    return () => stopPlacing.current?.();
  }, []);

  useEffect(() => {
    const element = scroller.current;
    if (element === null) return;
    let frame = 0;
    const keep = () => {
      frame = 0;
      if (placed.current?.conversationId !== conversationId) return;
      const position = pinned ? undefined : turnInView(element);
      if (pinned || position !== undefined) keepReadingPosition(conversationId, position);
    };
    const onScroll = () => {
      if (frame === 0) frame = requestAnimationFrame(keep);
    };
    onScroll();
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      cancelAnimationFrame(frame);
      element.removeEventListener('scroll', onScroll);
    };
  }, [scroller, conversationId, pinned]);

  /** Scrolls to a turn. */
  const goTo = useCallback(
    (messageId: string) => {
      release();
      setShown((before) => ({ ...before, anchor: { messageId, offset: NEAR_TOP_PX } }));
    },
    [release],
  );
  /** Goes to the end of the conversation. */
  const goToEnd = useCallback(() => {
    stopPlacing.current?.();
    setShown((before) => (before.anchor === undefined ? before : { ...before, anchor: undefined }));
    scrollToEnd();
  }, [scrollToEnd]);

  return { anchorId: anchor?.messageId, goTo, goToEnd };
}
