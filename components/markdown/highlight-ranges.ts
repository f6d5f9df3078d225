/** Kinds of tokens. `prose.css` has a colour for each highlight `code-<colour>`. */
export const HIGHLIGHT_COLOURS = [
  'keyword',
  'string',
  'number',
  'name',
  'type',
  'comment',
  'inserted',
  'deleted',
] as const;
export type HighlightColour = (typeof HIGHLIGHT_COLOURS)[number];

/** From `start` to before `end`, in UTF-16 units. */
export interface HighlightRange {
  start: number;
  end: number;
  colour: HighlightColour;
}

export interface TokenizeRequest {
  id: number;
  code: string;
  language: string;
}

export interface TokenizeResponse {
  id: number;
  ranges: HighlightRange[] | undefined;
}

/**
 * Colours ranges of a text node with the CSS Custom Highlight API. It adds no elements, so a long
 * chat stays small and nothing moves. Returns a function that removes the colours. Does nothing in
 * browsers without highlights.
 */
export function paintRanges(text: Text, ranges: readonly HighlightRange[]): () => void {
  if (typeof CSS === 'undefined' || !('highlights' in CSS)) return () => undefined;
  const painted: [Highlight, StaticRange][] = [];
  for (const { start, end, colour } of ranges) {
    if (end > text.length) break;
    const range = new StaticRange({ startContainer: text, startOffset: start, endContainer: text, endOffset: end });
    const highlight = highlightOf(colour);
    highlight.add(range);
    painted.push([highlight, range]);
  }
  return () => {
    for (const [highlight, range] of painted) highlight.delete(range);
  };
}

function highlightOf(colour: HighlightColour): Highlight {
  const name = `code-${colour}`;
  const known = CSS.highlights.get(name);
  if (known !== undefined) return known;
  const created = new Highlight();
  CSS.highlights.set(name, created);
  return created;
}
