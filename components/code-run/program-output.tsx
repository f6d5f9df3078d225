'use client';

import clsx from 'clsx';
import { useMemo } from 'react';
import { type AnsiColour, type AnsiStyle, parseAnsi } from './ansi.ts';
import { type SourceLocation, splitAtLocations } from './source-locations.ts';
import { CODE_RUN_STRINGS as STRINGS } from './strings.ts';
import type { OutputChunk } from './use-code-run.ts';

export interface LocationLinks {
  /** Names of the program's files. */
  files: readonly string[];
  onPlace: (place: SourceLocation) => void;
}

interface ProgramOutputProps {
  pieces: readonly OutputChunk[];
  links?: LocationLinks | undefined;
}

/**
 * Output of a program or compiler in its colours, with links to the source lines that it names.
 */
export function ProgramOutput({ pieces, links }: ProgramOutputProps) {
  const styled = useMemo(() => colour(pieces), [pieces]);
  return (
    <pre className="whitespace-pre-wrap font-mono text-sm leading-[1.6] [overflow-wrap:anywhere]" dir="ltr">
      {styled.map(({ key, text, className }) => (
        <span key={key} className={className}>
          {links === undefined
            ? text
            : splitAtLocations(text, links.files).map((part) =>
                typeof part === 'string' ? (
                  part
                ) : (
                  <button
                    key={part.at}
                    type="button"
                    onClick={() => links.onPlace(part.place)}
                    className="rounded-sm underline decoration-dotted underline-offset-2 hover:decoration-solid"
                    aria-label={STRINGS.goTo(part.text, part.place.line, part.place.file)}
                  >
                    {part.text}
                  </button>
                ),
              )}
        </span>
      ))}
    </pre>
  );
}

function colour(pieces: readonly OutputChunk[]) {
  let style: AnsiStyle = {};
  return pieces.flatMap(({ stream, text, at }) => {
    const read = parseAnsi(text, style);
    style = read.style;
    return read.pieces.map((piece, index) => ({
      key: `${at}:${index}`,
      text: piece.text,
      className: classesOf(piece.style, stream),
    }));
  });
}

/** Theme colours, readable on light and dark backgrounds. */
const COLOURS: Record<AnsiColour, string> = {
  black: 'text-ink-3',
  red: 'text-error',
  green: 'text-good',
  yellow: 'text-warn',
  blue: 'text-accent',
  magenta: 'text-cached',
  cyan: 'text-(--code-type)',
  white: 'text-ink',
};
const BACKGROUNDS: Record<AnsiColour, string> = {
  black: 'bg-pressed',
  red: 'bg-error-soft',
  green: 'bg-good-soft',
  yellow: 'bg-warn-soft',
  blue: 'bg-accent-soft',
  magenta: 'bg-cached-soft',
  cyan: 'bg-accent-soft',
  white: 'bg-hover',
};

function classesOf(
  { colour, background, bold, faint, italic, underline, inverse, struck }: AnsiStyle,
  stream: OutputChunk['stream'],
) {
  const ink = colour !== undefined ? COLOURS[colour] : stream === 'stderr' ? 'text-error' : undefined;
  return (
    clsx(
      inverse
        ? 'bg-ink text-canvas'
        : [background === undefined ? ink : 'text-ink', background && BACKGROUNDS[background]],
      bold && 'font-bold',
      faint && colour === undefined && !inverse && background === undefined && 'text-ink-3',
      italic && 'italic',
      underline && 'underline',
      struck && 'line-through',
    ) || undefined
  );
}
