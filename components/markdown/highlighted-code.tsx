'use client';

import { useEffect, useRef } from 'react';
import { highlight } from './highlight.ts';
import { paintRanges } from './highlight-ranges.ts';

/** Code that stays in view for this time is not just scrolled past. */
const SETTLED_MS = 120;

interface HighlightedCodeProps {
  code: string;
  label: string;
  /** Undefined leaves the code in one colour. */
  language?: string | undefined;
}

/** Code as a single text node, coloured without changing the DOM. */
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
    // Only code near the viewport is coloured: a browser goes through all highlights when one
    // changes.
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

const SCROLLABLE = { tabIndex: 0, role: 'group' } as const;
