'use client';

import dynamic from 'next/dynamic';
import { memo, Suspense, useEffect } from 'react';
import { loadable } from '#lib/browser/loadable';

const rich = loadable(() => import('#components/markdown/rich-markdown').then(({ RichMarkdown }) => RichMarkdown));

interface MarkdownProps {
  text: string;
  /** True while more is to come: unfinished marks are then closed for the eye. */
  streaming: boolean;
}

/** Text of a model as rich text. The renderer comes when the first answer does; until then the text stands as it is. */
export const Markdown = memo(function Markdown({ text, streaming }: MarkdownProps) {
  return (
    <Suspense fallback={<div className="prose whitespace-pre-wrap">{text}</div>}>
      <rich.Component text={text} streaming={streaming} />
    </Suspense>
  );
});

/**
 * For a page that a server renders and that answers will stand in: names the renderer's scripts in it, so that a browser fetches them beside
 * the page's own and not after them. Draws nothing.
 */
export const PreloadedRenderer = dynamic(() =>
  typeof window === 'undefined'
    ? Promise.resolve(Nothing)
    : import('#components/markdown/rich-markdown').then(() => Nothing),
);

function Nothing() {
  return null;
}

/** For a page that is opened with answers to show: fetches the renderer without waiting for the page to come alive. */
export function preloadMarkdown(): void {
  rich.preload();
}

/** Fetches the renderer: at once where there are answers to show, else with the reader's first touch of the page. */
export function usePreloadedMarkdown(hasResponses: boolean): void {
  useEffect(() => {
    const { preload } = rich;
    if (hasResponses) preload();
    else for (const touch of TOUCHES) addEventListener(touch, preload, { once: true, passive: true });
    return () => {
      for (const touch of TOUCHES) removeEventListener(touch, preload);
    };
  }, [hasResponses]);
}

const TOUCHES = ['pointerdown', 'pointermove', 'keydown', 'focusin'] as const;
