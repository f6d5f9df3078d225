import type { TextEvent } from '#lib/models/provider';
import { CLOSE_TAG, OPEN_TAG } from '#lib/models/thinking/think-tags';

/** The longest text that is held back for its closing tag. Longer text is content. */
const MAX_HELD_CHARACTERS = 1024 * 1024;
/** The limit of closing tags in code. Each one scans the whole text. */
const MAX_CLOSINGS_IN_CODE = 8;

/**
 * - `thinking`: reasoning after its opening tag.
 * - `open`: reasoning without an opening tag.
 * - `held`: text that is held back until it is known whether it is reasoning.
 * - `content`: the response's text. It never ends; the others end with the closing tag.
 */
export type ThinkMode = 'thinking' | 'open' | 'held' | 'content';

/**
 * Splits one text. Any split of the same text into pushes gives the same thinking and the same
 * content. Blank space around the tags is dropped; every other byte is kept. Reasoning without its
 * closing tag is thinking to the end.
 */
export class ThinkSplitter {
  readonly began: ThinkMode;
  #mode: Exclude<ThinkMode, 'open'>;
  /** Whether the reasoning has ended. */
  closed = false;
  /** The start of a possible closing tag; shorter than one. */
  #partial = '';
  #skipsBlank: boolean;
  /** The text of `held` and `open`, which may turn out to be content. */
  #pieces: string[] = [];
  #length = 0;
  #rejected = 0;

  constructor(mode: ThinkMode) {
    this.began = mode;
    this.#mode = mode === 'open' ? 'thinking' : mode;
    this.#skipsBlank = this.#mode === 'thinking';
  }

  /** Whether all further text is content, unchanged. */
  get isPlain(): boolean {
    return this.#mode === 'content' && !this.#skipsBlank;
  }

  push(text: string): TextEvent[] {
    if (this.#mode === 'held') return this.#hold(text);
    const events: TextEvent[] = [];
    let rest = text;
    if (this.#mode === 'thinking') {
      if (this.began === 'open' && this.#remember(text) > MAX_HELD_CHARACTERS) this.#pieces = [];
      rest = this.#think(events, this.#partial + text);
    }
    if (this.#mode === 'content') this.#emit(events, rest);
    return events;
  }

  /**
   * Returns the text that is held back. `isWhole`: the response ended by itself. Otherwise a tool
   * call or native reasoning only ends the reasoning, and later text is content.
   */
  end(isWhole: boolean): TextEvent[] {
    if (this.#mode === 'held') return this.#release();
    const events: TextEvent[] = [];
    this.#emit(events, this.#partial);
    this.#partial = '';
    // A complete response without a closing tag is content.
    if (isWhole && this.began === 'open' && !this.closed) {
      this.#skipsBlank = false;
      events.push(...this.#release());
    } else if (this.#mode === 'thinking') this.#close();
    return events;
  }

  /** Adds the reasoning in `text` to `events`; returns what follows the closing tag. */
  #think(events: TextEvent[], text: string): string {
    this.#partial = '';
    const at = text.indexOf(CLOSE_TAG);
    if (at !== -1) {
      this.#emit(events, text.slice(0, at));
      this.#close();
      return text.slice(at + CLOSE_TAG.length);
    }
    const held = partialTagLength(text, CLOSE_TAG);
    this.#partial = text.slice(text.length - held);
    this.#emit(events, text.slice(0, text.length - held));
    return '';
  }

  #hold(text: string): TextEvent[] {
    const length = this.#remember(text);
    const near = this.#partial + text;
    // The closing tag may be split between two pushes.
    this.#partial = near.slice(1 - CLOSE_TAG.length);
    if (near.includes(CLOSE_TAG)) {
      const whole = this.#pieces.join('');
      const at = indexOfCloseTagOutsideCode(whole);
      if (at !== -1) {
        this.#skipsBlank = true;
        const events: TextEvent[] = [];
        this.#mode = 'thinking';
        this.#emit(events, whole.slice(0, at));
        this.#close();
        this.#emit(events, whole.slice(at + CLOSE_TAG.length));
        return events;
      }
      this.#pieces = [whole];
      this.#rejected += 1;
    }
    // An empty event reports progress.
    if (length <= MAX_HELD_CHARACTERS && this.#rejected <= MAX_CLOSINGS_IN_CODE)
      return [{ type: 'thinking', text: '' }];
    return this.#release();
  }

  #release(): TextEvent[] {
    this.#mode = 'content';
    this.#partial = '';
    const events: TextEvent[] = [];
    this.#emit(events, this.#pieces.join(''));
    this.#pieces = [];
    return events;
  }

  #close(): void {
    this.closed = true;
    this.#mode = 'content';
    this.#partial = '';
    this.#skipsBlank = true;
    this.#pieces = [];
  }

  /** Returns the total length. */
  #remember(text: string): number {
    this.#pieces.push(text);
    this.#length += text.length;
    return this.#length;
  }

  #emit(events: TextEvent[], text: string): void {
    const shown = this.#skipsBlank ? text.trimStart() : text;
    if (shown === '') return;
    this.#skipsBlank = false;
    events.push({ type: this.#mode === 'thinking' ? 'thinking' : 'content', text: shown });
  }
}

/**
 * The index of the closing tag of reasoning without an opening tag. −1 if every closing tag is in
 * code, or closes an opening one.
 */
function indexOfCloseTagOutsideCode(text: string): number {
  let at = text.indexOf(CLOSE_TAG);
  for (let looks = 0; at !== -1 && looks <= MAX_CLOSINGS_IN_CODE; looks++) {
    const before = text.slice(0, at);
    if (before.includes(OPEN_TAG)) return -1;
    const line = before.slice(before.lastIndexOf('\n') + 1);
    const isFenced = (before.match(/^ {0,3}(?:```|~~~)/gm)?.length ?? 0) % 2 === 1;
    if (!isFenced && line.split('`').length % 2 === 1) return at;
    at = text.indexOf(CLOSE_TAG, at + 1);
  }
  return -1;
}

/** The length of the longest end of `text` that is a start of `tag`. */
function partialTagLength(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--)
    if (text.endsWith(tag.slice(0, length))) return length;
  return 0;
}
