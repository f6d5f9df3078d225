import type { Snippet } from './message-search.ts';

/** A line of a message with its matches marked. */
export function SnippetText({ snippet: { text, marks } }: { snippet: Snippet }) {
  const pieces: React.ReactNode[] = [];
  let at = 0;
  for (const [start, end] of marks) {
    pieces.push(text.slice(at, start));
    pieces.push(
      <mark key={start} className="rounded-[3px] bg-warn-soft text-ink">
        {text.slice(start, end)}
      </mark>,
    );
    at = end;
  }
  pieces.push(text.slice(at));
  return pieces;
}
