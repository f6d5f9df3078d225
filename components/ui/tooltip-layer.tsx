'use client';

import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { Side } from '#components/ui/tooltip';

interface Tip {
  text: string;
  shortcut: string | undefined;
  side: Side;
  target: Element;
}

interface TooltipLayerProps {
  /**
   * What was clicked while this code was fetched, if a click shows its tooltip; null if not.
   * Undefined without a click.
   */
  tapped: Element | null | undefined;
}

const DELAY_MS = 400;
/** Within this time after a tooltip, the next one shows without delay. */
const WARM_MS = 500;
/** Time to move the pointer onto the tooltip. */
const LEAVE_MS = 120;
const GAP_PX = 6;
const EDGE_PX = 8;

/**
 * One layer with a few delegated listeners shows all tooltips of the app. A tooltip opens on
 * hover, on keyboard focus, and on tap for `data-tip-tap`. Escape, a click or scrolling closes it.
 */
export function TooltipLayer({ tapped }: TooltipLayerProps) {
  const [shown, setShown] = useState<Tip>();
  const box = useRef<HTMLDivElement>(null);
  const first = useRef(tapped);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let hiddenAt = 0;
    let current: Tip | undefined;
    const show = (wanted: Tip | undefined) => {
      clearTimeout(timer);
      // A popup that opens next to its button must not lie below the tooltip.
      const next = wanted?.target.hasAttribute('data-popup-open') === true ? undefined : wanted;
      if (current !== undefined && next === undefined) hiddenAt = performance.now();
      current = next;
      setShown(next);
    };
    const hide = () => show(undefined);
    const onOver = (event: PointerEvent) => {
      if (event.pointerType === 'touch') return;
      const target = event.target instanceof Element ? event.target : null;
      if (target !== null && box.current?.contains(target) === true) return clearTimeout(timer);
      const next = tipOf(target);
      if (next?.target === current?.target) return clearTimeout(timer);
      clearTimeout(timer);
      if (next === undefined) timer = setTimeout(hide, LEAVE_MS);
      else if (current !== undefined || performance.now() - hiddenAt < WARM_MS) show(next);
      else timer = setTimeout(() => show(next), DELAY_MS);
    };
    const onFocus = (event: FocusEvent) => {
      const target = event.target instanceof Element ? event.target : null;
      if (target?.matches(':focus-visible') === true) show(tipOf(target));
    };
    const onClick = (event: MouseEvent) => {
      const target = event.target instanceof Element ? event.target.closest('[data-tip-tap]') : null;
      show(target === null ? undefined : tipOf(target));
    };
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') hide();
    };
    const listening = new AbortController();
    const options = { signal: listening.signal, capture: true, passive: true };
    document.addEventListener('pointerover', onOver, options);
    document.addEventListener('focusin', onFocus, options);
    document.addEventListener('focusout', hide, options);
    document.addEventListener('click', onClick, options);
    document.addEventListener('keydown', onKey, options);
    document.addEventListener('scroll', hide, options);
    // What a tap, the keyboard or the pointer reached while this code was fetched.
    if (first.current !== undefined) show(tipOf(first.current));
    else {
      const focused = document.activeElement;
      const reached = focused?.matches(':focus-visible') === true ? tipOf(focused) : undefined;
      const hovered = matchMedia('(hover: hover)').matches ? document.querySelector('[data-tip]:hover') : null;
      if (reached !== undefined) show(reached);
      else if (hovered !== null) timer = setTimeout(() => show(tipOf(hovered)), DELAY_MS);
    }
    return () => {
      clearTimeout(timer);
      listening.abort();
    };
  }, []);

  useLayoutEffect(() => {
    if (shown !== undefined && box.current !== null) place(box.current, shown);
  }, [shown]);

  if (shown === undefined) return null;
  return (
    <div
      ref={box}
      aria-hidden
      className="fixed top-0 left-0 z-60 w-max max-w-[min(18rem,calc(100vw-1rem))] rounded-md bg-ink px-2.5 py-1.5 text-canvas text-xs leading-4 [overflow-wrap:anywhere]"
    >
      {shown.text}
      {shown.shortcut === undefined ? null : <span className="ms-2 opacity-70">{shown.shortcut}</span>}
    </div>
  );
}

function tipOf(element: Element | null): Tip | undefined {
  const target = element?.closest('[data-tip]');
  const text = target?.getAttribute('data-tip');
  if (target == null || text == null || text === '') return undefined;
  const side = target.getAttribute('data-tip-side');
  return {
    text,
    shortcut: target.getAttribute('data-tip-shortcut') ?? undefined,
    side: side === 'bottom' || side === 'right' ? side : 'top',
    target,
  };
}

/** Places the box next to its target, within the window. */
function place(box: HTMLElement, { target, side }: Tip): void {
  const at = target.getBoundingClientRect();
  const { width, height } = box.getBoundingClientRect();
  const fitsRight = side === 'right' && at.right + GAP_PX + width + EDGE_PX <= window.innerWidth;
  const above = at.top - GAP_PX - height;
  const below = at.bottom + GAP_PX;
  const vertical = side === 'top' && above >= EDGE_PX ? above : below;
  const left = fitsRight ? at.right + GAP_PX : at.left + at.width / 2 - width / 2;
  const top = fitsRight ? at.top + at.height / 2 - height / 2 : vertical;
  const within = (value: number, most: number) => Math.round(Math.max(EDGE_PX, Math.min(value, most - EDGE_PX)));
  box.style.translate = `${within(left, window.innerWidth - width)}px ${within(top, window.innerHeight - height)}px`;
}
