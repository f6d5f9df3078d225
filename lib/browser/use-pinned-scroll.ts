import { type RefObject, useCallback, useEffect, useRef, useState } from 'react';

export interface ScrollPosition {
  top: number;
  height: number;
  viewport: number;
}

const NEAR_END_PX = 32;

/**
 * Whether the view should follow the end of the text after a scroll event. Only the reader's
 * scrolling counts: scrolling up unpins, reaching the end pins. Growing or shrinking content does
 * not.
 */
export function isPinned(pinned: boolean, before: ScrollPosition, after: ScrollPosition): boolean {
  if (isAtEnd(after)) return true;
  const wentUp = after.top < before.top - 1;
  const shrank = after.height < before.height;
  return wentUp && !shrank ? false : pinned;
}

function isAtEnd({ top, height, viewport }: ScrollPosition): boolean {
  return height - top - viewport <= NEAR_END_PX;
}

function positionOf(element: HTMLElement): ScrollPosition {
  return { top: element.scrollTop, height: element.scrollHeight, viewport: element.clientHeight };
}

/** Keeps a scrolling element at the end of its growing content while the reader is there. */
export function usePinnedScroll(
  scroller: RefObject<HTMLElement | null>,
  content: RefObject<HTMLElement | null>,
  enabled = true,
) {
  const [pinned, setPinned] = useState(true);
  const isFollowing = useRef(true);
  const before = useRef<ScrollPosition>({ top: 0, height: 0, viewport: 0 });

  const scrollToEnd = useCallback(() => {
    const element = scroller.current;
    if (element === null) return;
    isFollowing.current = true;
    setPinned(true);
    element.scrollTop = element.scrollHeight;
  }, [scroller]);

  /** Stops following until the reader reaches the end. */
  const release = useCallback(() => {
    isFollowing.current = false;
    setPinned(scroller.current === null || isAtEnd(positionOf(scroller.current)));
  }, [scroller]);

  useEffect(() => {
    const element = scroller.current;
    const inner = content.current;
    if (!enabled || element === null || inner === null) return;
    const onScroll = () => {
      const after = positionOf(element);
      isFollowing.current = isPinned(isFollowing.current, before.current, after);
      before.current = after;
      setPinned(isFollowing.current);
    };
    const onResize = () => {
      if (isFollowing.current) element.scrollTop = element.scrollHeight;
      before.current = positionOf(element);
      setPinned(isFollowing.current || isAtEnd(before.current));
    };
    const observer = new ResizeObserver(onResize);
    observer.observe(inner);
    observer.observe(element);
    element.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      observer.disconnect();
      element.removeEventListener('scroll', onScroll);
    };
  }, [scroller, content, enabled]);

  return { pinned, scrollToEnd, release };
}
