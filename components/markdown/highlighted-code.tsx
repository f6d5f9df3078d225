'use client';

import { useEffect, useRef } from 'react';
import { highlight } from './highlight.ts';
import { paintRanges } from './highlight-ranges.ts';

/** What was not passed by in this time is being looked at. */
const SETTLED_MS = 120;

interface HighlightedCodeProps {
  code: string;
  label: string;
  /** In which it is coloured; undefined leaves it in one colour. */
  language?: string | undefined;
}

/** Code as one text, coloured without changing it: nothing moves, and a long chat stays small. */
export function HighlightedCode({ code, label, language }: HighlightedCodeProps) {
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null || language === undefined || code === '') return;
    let wipe: (() => void) | undefined;
    let isNear = false;
    const draw = async () => {
      const marks = await highlight(code, language);
      const text = element.firstChild;
      if (!isNear || wipe !== undefined || marks === undefined || !(text instanceof Text)) return;
      wipe = paintRanges(text, marks);
    };
    let isFirst = true;
    let change: ReturnType<typeof setTimeout> | undefined;
    const follow = () => {
      if (isNear) return void draw();
      wipe?.();
      wipe = undefined;
    };
    // Only what is near the screen has colours, and is not just scrolled past: a browser looks through all of them when one changes.
    const observer = new IntersectionObserver(
      ([entry]) => {
        clearTimeout(change);
        isNear = entry?.isIntersecting === true;
        if (isFirst) follow();
        else change = setTimeout(follow, SETTLED_MS);
        isFirst = false;
      },
      { rootMargin: '600px' },
    );
    observer.observe(element);
    return () => {
      isNear = false;
      clearTimeout(change);
      observer.disconnect();
      wipe?.();
    };
  }, [code, language]);
  return (
    <pre className="overflow-x-auto p-3 font-mono text-sm leading-[1.6]" {...{ ...SCROLLABLE, 'aria-label': label }}>
      <code ref={place}>{code}</code>
    </pre>
  );
}

/** Keyboards must be able to scroll what is wider than the page. */
const SCROLLABLE = { tabIndex: 0, role: 'group' } as const;
