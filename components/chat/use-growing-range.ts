import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { onFirstInput } from '#lib/browser/loadable';
import { whenIdle } from '#lib/browser/when-idle';

/** As many turns as a screen shows. Rendering more would delay them. */
const FIRST_TURNS = 4;
/** Turns around a turn that is shown instead of the end. */
const BEFORE_ANCHOR = 2;
const AFTER_ANCHOR = 8;
/** A question and its response: small enough not to block streaming on a slow device. */
const LEAST_STEP = 2;
/** A step costs a frame, and each frame goes through the whole page. */
const MOST_STEP = 8;
/** A step that took less may be larger. */
const SHORT_STEP_MS = 8;
/** A step that took more was too large: streamed text and keys waited for it. */
const LONG_STEP_MS = 16;
const PATIENCE_MS = 250;
const FIRST_PAUSE_MS = 400;

interface Range {
  start: number;
  /** Undefined: the end of the conversation, also while it grows. */
  end: number | undefined;
}

/**
 * The turns of a long conversation that are rendered: first those on the screen, the others while
 * the browser is idle. `anchor` is the index of a turn that must be among them.
 */
export function useGrowingRange(total: number, anchor: number | undefined): { start: number; end: number } {
  const [range, setRange] = useState(() => firstRange(total, anchor));
  const wanted = including(range, total, anchor);
  if (wanted !== range) setRange(wanted);
  const { start, end } = wanted;
  const isWhole = start <= 0 && (end === undefined || end >= total);
  const pace = useRef<{ turns: number; beganAt: number | undefined }>({ turns: LEAST_STEP, beganAt: undefined });
  useLayoutEffect(() => {
    const { turns, beganAt } = pace.current;
    if (beganAt === undefined) return;
    pace.current = { turns: nextStep(turns, performance.now() - beganAt), beganAt: undefined };
  });
  useEffect(() => {
    if (isWhole) return;
    // A printed conversation is whole.
    const all = () => flushSync(() => setRange({ start: 0, end: undefined }));
    addEventListener('beforeprint', all);
    return () => removeEventListener('beforeprint', all);
  }, [isWhole]);
  useEffect(() => {
    if (isWhole) return;
    // Not in a transition: streamed text would restart it and finally force it through in one
    // task.
    return afterFirstView(() => {
      pace.current.beganAt = performance.now();
      setRange(grown({ start, end }, total, pace.current.turns));
    });
  }, [start, end, total, isWhole]);
  return { start: Math.max(0, start), end: end ?? total };
}

let isFirstView = true;

/**
 * Runs `action` once the browser is idle. A page that has just opened pauses before that, until
 * the reader's first input at most: a running response gets its first text meanwhile. Returns the
 * function that cancels both.
 */
function afterFirstView(action: () => void): () => void {
  if (!isFirstView) return whenIdle(action, PATIENCE_MS);
  let cancel: (() => void) | undefined;
  const begin = () => {
    isFirstView = false;
    end();
    cancel = whenIdle(action, PATIENCE_MS);
  };
  const timer = setTimeout(begin, FIRST_PAUSE_MS);
  const endWaiting = onFirstInput(begin);
  const end = () => {
    clearTimeout(timer);
    endWaiting();
    cancel?.();
  };
  return end;
}

export function firstRange(total: number, anchor: number | undefined): Range {
  if (anchor === undefined || anchor >= total - AFTER_ANCHOR) {
    const last = anchor === undefined ? total : Math.min(total, anchor - BEFORE_ANCHOR + FIRST_TURNS);
    return { start: Math.max(0, last - FIRST_TURNS), end: undefined };
  }
  return { start: Math.max(0, anchor - BEFORE_ANCHOR), end: anchor + AFTER_ANCHOR };
}

/** Returns the same object if the range has the anchor, or the end where there is no anchor. */
export function including(range: Range, total: number, anchor: number | undefined): Range {
  const { start, end } = range;
  if (anchor === undefined) return end === undefined ? range : { start, end: undefined };
  const first = Math.max(0, anchor - BEFORE_ANCHOR);
  const last = Math.min(total, anchor + AFTER_ANCHOR);
  if (start <= first && (end === undefined || end >= last)) return range;
  return { start: Math.min(start, first), end: end === undefined ? undefined : Math.max(end, last) };
}

/** Below the anchor first: what is added there moves nothing. */
export function grown({ start, end }: Range, total: number, turns: number): Range {
  if (end === undefined) return { start: start - turns, end };
  const next = end + turns;
  return next >= total ? { start, end: undefined } : { start, end: next };
}

/** The turns of the next step, after one of `turns` that took `tookMs`. */
export function nextStep(turns: number, tookMs: number): number {
  if (tookMs > LONG_STEP_MS) return Math.max(LEAST_STEP, turns - 2);
  return tookMs < SHORT_STEP_MS ? Math.min(MOST_STEP, turns + 2) : turns;
}
