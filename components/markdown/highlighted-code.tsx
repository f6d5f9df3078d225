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
  const codeElement = useRef<HTMLElement>(null);
  useEffect(() => {
    const element = codeElement.current;
    if (element === null || language === undefined || code === '') return;
    let clearHighlights: (() => void) | undefined;
    let isNear = false;
    const draw = async () => {
      const ranges = await highlight(code, language);
      const text = element.firstChild;
      if (!isNear || clearHighlights !== undefined || ranges === undefined || !(text instanceof Text)) return;
      clearHighlights = paintRanges(text, ranges);
    };
    let isFirst = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const update = () => {
      if (isNear) return void draw();
      clearHighlights?.();
      clearHighlights = undefined;
    };
    // Only what is near the screen has colours, and is not just scrolled past: a browser looks through all of them when one changes.
    const observer = new IntersectionObserver(
      ([entry]) => {
        clearTimeout(timer);
        isNear = entry?.isIntersecting === true;
        if (isFirst) update();
        else timer = setTimeout(update, SETTLED_MS);
        isFirst = false;
      },
      { rootMargin: '600px' },
    );
    observer.observe(element);
    return () => {
      isNear = false;
      clearTimeout(timer);
      observer.disconnect();
      clearHighlights?.();
    };
  }, [code, language]);
  return (
    <pre className="overflow-x-auto p-3 font-mono text-sm leading-[1.6]" {...{ ...SCROLLABLE, 'aria-label': label }}>
      <code ref={codeElement}>{code}</code>
    </pre>
  );
}

/** Keyboards must be able to scroll what is wider than the page. */
const SCROLLABLE = { tabIndex: 0, role: 'group' } as const;
