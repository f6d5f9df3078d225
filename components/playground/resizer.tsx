'use client';

import type { KeyboardEvent, PointerEvent } from 'react';
import { LAYOUT_STRINGS as STRINGS } from './layout-strings.ts';

interface ResizerProps {
  /** The left side's share of the width, 0..1. */
  share: number;
  onShare: (share: number) => void;
}

const LEAST = 0.25;
const MOST = 0.8;
const STEP = 0.03;

/** The divider between editor and output on wide screens. Moves by drag or arrow keys. */
export function Resizer({ share, onShare }: ResizerProps) {
  const set = (next: number) => onShare(Math.min(MOST, Math.max(LEAST, next)));
  const onPointerMove = (event: PointerEvent<HTMLHRElement>) => {
    if (!event.currentTarget.hasPointerCapture(event.pointerId)) return;
    const frame = event.currentTarget.parentElement?.getBoundingClientRect();
    if (frame !== undefined) set((event.clientX - frame.left) / frame.width);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === 'ArrowLeft') set(share - STEP);
    else if (event.key === 'ArrowRight') set(share + STEP);
    else return;
    event.preventDefault();
  };
  return (
    <hr
      tabIndex={0}
      aria-orientation="vertical"
      aria-label={STRINGS.resizer}
      aria-valuemin={LEAST * 100}
      aria-valuemax={MOST * 100}
      aria-valuenow={Math.round(share * 100)}
      className="relative m-0 hidden h-auto w-px border-0 shrink-0 cursor-col-resize touch-none bg-line before:absolute before:inset-y-0 before:-inset-x-1 hover:bg-accent focus-visible:bg-accent side:block"
      onPointerDown={(event) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={onPointerMove}
      onKeyDown={onKeyDown}
    />
  );
}
