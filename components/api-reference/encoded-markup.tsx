'use client';

import { decodeMarkup } from './markup-encoding.ts';

interface EncodedMarkupProps {
  as: 'div' | 'nav';
  /** From `encodeMarkup`. */
  markup: string;
  className: string;
  label?: string;
}

/** An element with static content, which is not hydrated. */
export function EncodedMarkup({ as: Element, markup, className, label }: EncodedMarkupProps) {
  return (
    <Element
      aria-label={label}
      className={className}
      {...{ dangerouslySetInnerHTML: { __html: decodeMarkup(markup) } }}
    />
  );
}
