'use client';

import { lazy, memo, Suspense, useEffect } from 'react';

const loadRich = () => import('#components/markdown/rich-markdown');
const RichMarkdown = lazy(() => loadRich().then((module) => ({ default: module.RichMarkdown })));

interface MarkdownProps {
  text: string;
  /** True while more is to come: unfinished marks are then closed for the eye. */
  streaming: boolean;
}

/** Text of a model as rich text. The renderer comes when the first answer does; until then the text stands as it is. */
export const Markdown = memo(function Markdown({ text, streaming }: MarkdownProps) {
  return (
    <Suspense fallback={<div className="prose whitespace-pre-wrap">{text}</div>}>
      <RichMarkdown text={text} streaming={streaming} />
    </Suspense>
  );
});

/** Fetches the renderer: at once where there are answers to show, else while nobody waits for it. */
export function usePreloadedMarkdown(hasAnswers: boolean): void {
  useEffect(() => {
    const timer = setTimeout(() => void loadRich(), hasAnswers ? 0 : IDLE_MS);
    return () => clearTimeout(timer);
  }, [hasAnswers]);
}

const IDLE_MS = 1_500;
