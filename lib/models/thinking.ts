import type { ModelEvent } from '#lib/models/provider';

const OPEN = '<think>';
const CLOSE = '</think>';

type TextEvent = Extract<ModelEvent, { text: string }>;

/**
 * Splits text in which a model wrote its reasoning as `<think>…</think>`. Any split of the same text into pushes gives the
 * same concatenated thinking and content. Blank space right after either tag belongs to neither; every other byte is kept,
 * and text without tags passes as it is. An unclosed `<think>` makes the rest thinking.
 */
export class ThinkSplitter {
  #type: TextEvent['type'] = 'content';
  /** The start of what may become a tag; shorter than one. */
  #held = '';
  #afterTag = false;

  push(text: string): TextEvent[] {
    const events: TextEvent[] = [];
    let rest = this.#held + text;
    this.#held = '';
    for (;;) {
      if (this.#afterTag) {
        rest = rest.trimStart();
        if (rest === '') return events;
        this.#afterTag = false;
      }
      const tag = this.#type === 'content' ? OPEN : CLOSE;
      const at = rest.indexOf(tag);
      if (at === -1) {
        const held = heldLength(rest, tag);
        this.#held = rest.slice(rest.length - held);
        this.#emit(events, rest.slice(0, rest.length - held));
        return events;
      }
      this.#emit(events, rest.slice(0, at));
      rest = rest.slice(at + tag.length);
      this.#type = this.#type === 'content' ? 'thinking' : 'content';
      this.#afterTag = true;
    }
  }

  /** What was held back because it could have been the start of a tag. */
  end(): TextEvent[] {
    const events: TextEvent[] = [];
    this.#emit(events, this.#held);
    this.#held = '';
    return events;
  }

  #emit(events: TextEvent[], text: string): void {
    if (text !== '') events.push({ type: this.#type, text });
  }
}

/** Turns tags in the content into thinking events, unless the provider sends thinking of its own. */
export async function* splitThinking(events: AsyncIterable<ModelEvent>): AsyncGenerator<ModelEvent> {
  const splitter = new ThinkSplitter();
  let native = false;
  for await (const event of events) {
    if (event.type === 'thinking') native = true;
    if (event.type === 'content' && !native) yield* splitter.push(event.text);
    else {
      yield* splitter.end();
      yield event;
    }
  }
}

/** Length of the longest end of `text` with which `tag` could begin. */
function heldLength(text: string, tag: string): number {
  for (let length = Math.min(tag.length - 1, text.length); length > 0; length--)
    if (text.endsWith(tag.slice(0, length))) return length;
  return 0;
}
