'use client';

import clsx from 'clsx';
import { useState } from 'react';
import { Button } from '#components/ui/button';
import { splitFences } from './split-fences.ts';
import { TURN_STRINGS } from './strings/turns.ts';

/** The text of a question: prose as it was typed, and its fences as code. Long parts are folded. */
export function QuestionText({ text }: { text: string }) {
  const parts = splitFences(text).map((part, place) => ({ ...part, key: String(place) }));
  const [only] = parts;
  // One element: most questions are a few words, and a long chat has hundreds of them.
  if (parts.length === 1 && only?.type === 'text' && !isLong(only.text, false))
    return (
      <div dir="auto" className={clsx(BUBBLE, PROSE)}>
        {only.text}
      </div>
    );
  return (
    <div className={clsx(BUBBLE, 'flex flex-col gap-2')}>
      {parts.map((part) => (
        <Part
          key={part.key}
          text={part.text}
          isCode={part.type === 'code'}
          output={part.type === 'code' ? part.output : undefined}
        />
      ))}
    </div>
  );
}

const BUBBLE = 'min-w-0 max-w-[min(85%,38rem)] rounded-lg bg-hover px-3.5 py-2';
const PROSE = 'whitespace-pre-wrap leading-6 [overflow-wrap:anywhere]';

const FOLDED_LINES = 12;
/** A few lines more are shown rather than hidden. */
const SPARE_LINES = 4;
/** About as many characters fit on the folded lines of prose. */
const FOLDED_CHARS = 1_200;
/** A folded text is in the page up to this length, for the reader's search and for print. */
const MAX_FOLDED_CHARS = 20_000;

const lineCount = (text: string) => text.split('\n').length;

function isLong(text: string, isCode: boolean): boolean {
  return lineCount(text) > FOLDED_LINES + SPARE_LINES || (!isCode && text.length > FOLDED_CHARS * 1.3);
}

interface PartProps {
  text: string;
  isCode: boolean;
  output: string | undefined;
}

function Part({ text, isCode, output }: PartProps) {
  const [isOpen, setOpen] = useState(false);
  if (output !== undefined)
    return (
      <details className="rounded-md border bg-surface">
        <summary className="cursor-pointer rounded-md px-3 py-2 text-sm [overflow-wrap:anywhere] hover:bg-hover">
          {TURN_STRINGS.outputOf(output)}
        </summary>
        <Code text={text} />
      </details>
    );
  const lines = lineCount(text);
  const canFold = isLong(text, isCode);
  const isFolded = canFold && !isOpen;
  const shown = isFolded ? text.slice(0, MAX_FOLDED_CHARS) : text;
  const content = isCode ? (
    <Code text={shown} isFolded={isFolded} />
  ) : (
    <div dir="auto" data-folded={isFolded || undefined} className={clsx(PROSE, isFolded && 'max-h-72 overflow-hidden')}>
      {shown}
    </div>
  );
  // Without another element: most questions are short.
  if (!canFold) return content;
  return (
    <div>
      {content}
      <Button kind="quiet" size="sm" aria-expanded={isOpen} className="mt-1 -ms-2" onClick={() => setOpen(!isOpen)}>
        {isOpen ? TURN_STRINGS.showLess : lines > FOLDED_LINES ? TURN_STRINGS.showAll(lines) : TURN_STRINGS.showAllText}
      </Button>
    </div>
  );
}

function Code({ text, isFolded = false }: { text: string; isFolded?: boolean }) {
  return (
    <pre
      className={clsx(
        'overflow-x-auto rounded-md border bg-sunken px-3 py-2 font-mono text-sm leading-6',
        isFolded && 'max-h-76 overflow-y-hidden',
      )}
      data-folded={isFolded || undefined}
      dir="ltr"
      {...{ ...SCROLLABLE, 'aria-label': TURN_STRINGS.code }}
    >
      <code>{text}</code>
    </pre>
  );
}

const SCROLLABLE = { tabIndex: 0, role: 'group' } as const;
