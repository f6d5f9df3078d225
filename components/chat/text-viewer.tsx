'use client';

import { useMemo } from 'react';
import { CopyButton } from '#components/ui/copy-button';
import { COMPOSER_STRINGS } from './strings/composer.ts';
import { textBlocks } from './text-blocks.ts';

/**
 * The text of an attachment. Blocks out of view are not laid out, so that a long one opens at once.
 */
export function TextViewer({ text, size }: { text: string; size: string }) {
  const blocks = useMemo(() => textBlocks(text), [text]);
  return (
    // The button stands in the scroller, which the keyboard scrolls while the focus is in it.
    <div className="scroller max-h-[calc(100dvh-9rem)] w-[min(60rem,calc(100vw-4.5rem))] rounded-md border bg-sunken">
      <div className="sticky top-0 flex items-center justify-between gap-4 border-b bg-sunken py-1 ps-3 pe-1">
        <span className="tabular text-ink-2 text-xs">{size}</span>
        <CopyButton text={text} label={COMPOSER_STRINGS.copyFile} />
      </div>
      <div className="px-3 py-2 font-mono text-xs leading-5">
        {blocks.map((block) => (
          <pre
            key={block.start}
            dir="auto"
            className="whitespace-pre-wrap font-mono [content-visibility:auto] [overflow-wrap:anywhere]"
            style={{ containIntrinsicBlockSize: `auto ${block.lines * LINE_REM}rem` }}
          >
            {block.text}
          </pre>
        ))}
      </div>
    </div>
  );
}

/** The line height of the text. */
const LINE_REM = 1.25;
