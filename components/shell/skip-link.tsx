'use client';

import { usePathname } from 'next/navigation';
import { SHELL_STRINGS } from './strings.ts';

/**
 * The first stop of the keyboard: leads past the navigation to the content, which is the message
 * box on the chat page. Takes a row while focused, so that it covers no control.
 */
export function SkipLink() {
  return (
    <a
      href={usePathname() === '/' ? '#composer' : '#main'}
      className="sr-only bg-ink text-canvas text-sm focus:not-sr-only focus:px-3 focus:py-2 focus:outline-canvas focus:outline-offset-[-4px]"
    >
      {SHELL_STRINGS.skipToContent}
    </a>
  );
}
