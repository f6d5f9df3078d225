'use client';

import { unpackMarkup } from '#lib/client/packed-markup';

interface PackedProps {
  as: 'div' | 'nav';
  /** From `packMarkup`. */
  markup: string;
  className: string;
  label?: string;
}

/** An element whose content is text in which nothing lives: it is not hydrated. */
export function Packed({ as: Element, markup, className, label }: PackedProps) {
  return (
    <Element
      aria-label={label}
      className={className}
      {...{ dangerouslySetInnerHTML: { __html: unpackMarkup(markup) } }}
    />
  );
}
