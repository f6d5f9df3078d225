'use client';

import { createElement, useLayoutEffect, useRef, useState } from 'react';
import { decodeMarkup } from './markup-encoding.ts';
import { type ReferencePart, storedMarkup } from './markup-store.ts';

interface StaticMarkupProps {
  as: 'div' | 'nav';
  part: ReferencePart;
  /** The address of the server in examples. */
  origin: string;
  needsKey: boolean;
  /**
   * From `encodeMarkup`, where no document brings the markup: on navigation within the app.
   */
  encoded?: string | undefined;
  className: string;
  label?: string;
}

/**
 * An element with static content, which is not hydrated. A document has the content once, in its
 * HTML: the payload for hydration does not repeat it.
 */
export function StaticMarkup({ as, part, origin, needsKey, encoded, className, label }: StaticMarkupProps) {
  const element = useRef<HTMLElement>(null);
  // The same object each time: React writes the content again for another one.
  const [html] = useState(() => ({
    __html: typeof window === 'undefined' ? storedMarkup(part, { origin, needsKey }) : markupInBrowser(part, encoded),
  }));
  useLayoutEffect(() => {
    if (element.current !== null) keep(part, element.current);
  }, [part]);
  return createElement(as, {
    ref: element,
    'aria-label': label,
    className,
    [PART]: part,
    suppressHydrationWarning: true,
    dangerouslySetInnerHTML: html,
  });
}

const PART = 'data-reference';

/**
 * The elements that a document brought or that were shown last. The browser returns to a page whose
 * payload has no markup by its history, and React replaces elements that it cannot hydrate.
 */
const kept = new Map<ReferencePart, Element>();

function markupInBrowser(part: ReferencePart, encoded: string | undefined): string {
  if (encoded !== undefined) return decodeMarkup(encoded);
  const present = document.querySelector(`[${PART}="${part}"]`);
  if (present !== null && present.firstChild !== null) kept.set(part, present);
  // Hydration leaves the content as it is.
  return '';
}

function keep(part: ReferencePart, shown: Element): void {
  const before = kept.get(part);
  if (shown.firstChild === null && before !== undefined) shown.append(...before.childNodes);
  kept.set(part, shown);
}
