'use client';

import { useEffect, useState } from 'react';
import { useIsCodeFenceIncomplete } from 'streamdown';
import { CopyButton } from '#components/ui/copy-button';
import { highlight, type Piece } from '#lib/client/highlight';

/** Keyboards must be able to scroll what is wider than the page. */
const SCROLLABLE = { tabIndex: 0, role: 'region', 'aria-label': 'Code' } as const;

/** A program in an answer. It is coloured once its fence has closed, so that nothing flickers while it is written. */
export function CodeBlock({ code, language }: { code: string; language: string }) {
  const isIncomplete = useIsCodeFenceIncomplete();
  const pieces = usePieces(code, language, !isIncomplete);
  return (
    <div className="code-block overflow-hidden rounded-md border bg-sunken" dir="ltr">
      <div className="flex h-9 items-center justify-between border-b ps-3 pe-0.5">
        <span className="truncate text-ink-2 text-xs">{language === '' ? 'text' : language}</span>
        <CopyButton text={code} label="Copy the code" className="size-8" />
      </div>
      <pre className="overflow-x-auto p-3 font-mono text-sm leading-[1.6]" {...SCROLLABLE}>
        <code>{pieces === undefined ? code : pieces.map(show)}</code>
      </pre>
    </div>
  );
}

function show({ text, className }: Piece, index: number) {
  return className === '' ? (
    text
  ) : (
    <span key={`${index}:${className}`} className={className}>
      {text}
    </span>
  );
}

function usePieces(code: string, language: string, isComplete: boolean): Piece[] | undefined {
  const [coloured, setColoured] = useState<{ code: string; pieces: Piece[] }>();
  useEffect(() => {
    if (!isComplete || language === '') return;
    let isCurrent = true;
    highlight(code, language).then(
      (pieces) => {
        if (isCurrent && pieces !== undefined) setColoured({ code, pieces });
      },
      () => undefined,
    );
    return () => {
      isCurrent = false;
    };
  }, [code, language, isComplete]);
  return coloured?.code === code ? coloured.pieces : undefined;
}
