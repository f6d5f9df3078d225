import type { ReadingPosition } from './reading-position.ts';
import { wordsOf } from './search-words.ts';

/** Turns carry the id of their message in `data-message`. */

const HIT_HIGHLIGHT = 'search-hit';
const HIT_SHOWN_MS = 12_000;
/** What is rendered after the turn was placed may move it for as long. */
const SETTLING_MS = 2_500;
/** Where a match is placed, as a fraction of the view's height. */
const HIT_AT = 0.3;

export interface TurnPlace extends ReadingPosition {
  /** Words to mark in the turn. The first match is placed instead of the turn's top. */
  query?: string | undefined;
}

export function turnElement(scroller: HTMLElement, messageId: string): HTMLElement | null {
  return scroller.querySelector<HTMLElement>(`[data-message="${CSS.escape(messageId)}"]`);
}

/** The first turn in view, also below a toast or a menu. */
export function turnInView(scroller: HTMLElement): ReadingPosition | undefined {
  const { left, top, width } = scroller.getBoundingClientRect();
  // A gap between two turns is smaller than the second probe.
  for (const below of [4, 36]) {
    const turn = document
      .elementsFromPoint(left + width / 2, top + below)
      .map((element) => element.closest<HTMLElement>('[data-message]'))
      .find((element) => element !== null);
    const messageId = turn?.dataset.message;
    if (turn != null && messageId !== undefined)
      return { messageId, offset: Math.round(turn.getBoundingClientRect().top - top) };
  }
  return undefined;
}

/**
 * Scrolls the turn to its place and keeps it there while what surrounds it is laid out, until the
 * reader scrolls. Returns the function that ends this.
 */
export function placeTurn(scroller: HTMLElement, turn: HTMLElement, { offset, query }: TurnPlace): () => void {
  const words = wordsOf(query ?? '');
  let match: Range | undefined;
  const place = () => {
    if (words.length > 0 && match?.startContainer.isConnected !== true) match = markWords(turn, words);
    const view = scroller.getBoundingClientRect();
    const at =
      match === undefined
        ? turn.getBoundingClientRect().top - offset
        : match.getBoundingClientRect().top - scroller.clientHeight * HIT_AT;
    const distance = at - view.top;
    if (Math.abs(distance) > 1) scroller.scrollTop += distance;
  };
  place();
  const observer = new ResizeObserver(place);
  for (const child of scroller.children) observer.observe(child);
  observer.observe(turn);
  const ending = new AbortController();
  const end = () => {
    observer.disconnect();
    ending.abort();
  };
  for (const event of ['wheel', 'touchmove', 'pointerdown', 'keydown'])
    scroller.ownerDocument.addEventListener(event, end, { signal: ending.signal, passive: true, capture: true });
  const timer = setTimeout(end, SETTLING_MS);
  ending.signal.addEventListener('abort', () => clearTimeout(timer));
  return end;
}

let clearing: ReturnType<typeof setTimeout> | undefined;

/** Highlights the words in the turn for a while. Returns the range of the first match. */
function markWords(turn: HTMLElement, words: readonly string[]): Range | undefined {
  const ranges: Range[] = [];
  const walker = document.createTreeWalker(turn, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const text = node.textContent?.toLowerCase() ?? '';
    for (const word of words)
      for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + word.length)) {
        if (at + word.length > (node.textContent?.length ?? 0)) break;
        const range = document.createRange();
        range.setStart(node, at);
        range.setEnd(node, at + word.length);
        ranges.push(range);
      }
  }
  if (typeof Highlight !== 'undefined' && 'highlights' in CSS) {
    CSS.highlights.set(HIT_HIGHLIGHT, new Highlight(...ranges));
    clearTimeout(clearing);
    clearing = setTimeout(clearHits, HIT_SHOWN_MS);
  }
  return ranges[0];
}

export function clearHits(): void {
  if (typeof CSS !== 'undefined' && 'highlights' in CSS) CSS.highlights.delete(HIT_HIGHLIGHT);
}
