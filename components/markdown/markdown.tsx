'use client';

import dynamic from 'next/dynamic';
import { createElement, Fragment, memo, Suspense } from 'react';
import { LoadBoundary } from '#components/ui/load-boundary';
import { loadable, usePreloaded } from '#lib/browser/loadable';

const rich = loadable(() => import('#components/markdown/rich-markdown').then(({ RichMarkdown }) => RichMarkdown));

interface MarkdownProps {
  text: string;
  /** The text is still growing: unfinished marks are closed. */
  streaming: boolean;
}

/**
 * A model's text as rich text. The renderer is loaded with the first response; until then the text
 * is plain.
 */
export const Markdown = memo(function Markdown({ text, streaming }: MarkdownProps) {
  const plain = <Plain text={text} />;
  return (
    <LoadBoundary fallback={plain}>
      <Suspense fallback={plain}>
        <rich.Component text={text} streaming={streaming} />
      </Suspense>
    </LoadBoundary>
  );
});

/** Layout of one block takes time with the square of its longest word, if letters are kerned. */
const PIECE = /[\s\S]{1,20000}/gu;

function Plain({ text }: { text: string }) {
  return (
    <div className="prose whitespace-pre-wrap [font-kerning:none]">
      {text.length <= 20_000 ? text : createElement(Fragment, null, ...(text.match(PIECE) ?? []).map(inBlock))}
    </div>
  );
}

const inBlock = (piece: string) => createElement('div', null, piece);

/**
 * Lists the renderer's scripts in a server-rendered page, so that a browser fetches them along
 * with the page's scripts. Renders nothing, also where they cannot be fetched: `Markdown` shows
 * plain text then.
 */
export const PreloadedRenderer = dynamic(() =>
  typeof window === 'undefined'
    ? Promise.resolve(Nothing)
    : import('#components/markdown/rich-markdown').then(
        () => Nothing,
        () => Nothing,
      ),
);

function Nothing() {
  return null;
}

/** Starts to fetch the renderer before hydration, for a page that opens with responses. */
export function preloadMarkdown(): void {
  rich.preload();
}

/** Fetches the renderer at once if there are responses, else with the reader's first input. */
export function usePreloadedMarkdown(hasResponses: boolean): void {
  usePreloaded(rich, hasResponses);
}
