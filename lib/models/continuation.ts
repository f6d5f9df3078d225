import type { ModelEvent, ModelEventListener } from '#lib/models/provider';
import type { Message, TokenLogprob } from '#lib/wire/chat';

/**
 * Continuing an assistant message where the server always begins a new one: OpenAI's API, and
 * Ollama for most templates. The model is asked to go on, and text that it repeats is removed.
 */

const INSTRUCTION: Message = {
  role: 'user',
  content: 'Continue exactly where you stopped. Do not repeat any text, do not start again, and write no introduction.',
};

/** The text to continue; undefined if the last message is no text of the assistant. */
export function continuedText(messages: readonly Message[]): string | undefined {
  const last = messages.at(-1);
  const isText = last?.role === 'assistant' && last.content !== '' && !last.tool_calls?.length;
  return isText ? last.content : undefined;
}

export function withContinueInstruction(messages: readonly Message[]): readonly Message[] {
  return continuedText(messages) === undefined ? messages : [...messages, INSTRUCTION];
}

/** A shorter repetition may be meant: `, 0, 0, 0`. */
const MIN_OVERLAP_CHARS = 16;
/** A model repeats its last sentence or line, not a page. */
const MAX_OVERLAP_CHARS = 400;

/**
 * How many characters of the beginning of `next` repeat the end of `text`. Undefined while `next`
 * is too short to know.
 */
export function overlapLength(text: string, next: string): number | undefined {
  const tail = text.slice(-MAX_OVERLAP_CHARS);
  for (let length = tail.length; length >= MIN_OVERLAP_CHARS; length--) {
    const end = tail.slice(-length);
    const isWhole = next.startsWith(end);
    const isPart = next.length < length && end.startsWith(next);
    // Text that goes on as it did before may be meant, whatever its length.
    if ((!isWhole && !isPart) || isPeriodic(end)) continue;
    return isWhole ? length : undefined;
  }
  return 0;
}

/** Whether the text consists of the same piece at least twice: the piece may end early. */
function isPeriodic(text: string): boolean {
  // `borders[n]`: the longest proper beginning of the first n characters that is also their end.
  const borders = [0, 0];
  for (let n = 2, border = 0; n <= text.length; n++) {
    while (border > 0 && text[n - 1] !== text[border]) border = borders[border] ?? 0;
    if (text[n - 1] === text[border]) border++;
    borders[n] = border;
  }
  const period = text.length - (borders[text.length] ?? 0);
  return period * 2 <= text.length;
}

/**
 * Removes from the beginning of a continuation what repeats the end of `text`, with the log
 * probabilities of its tokens. Text is held back only until it is known whether it repeats, and
 * comes before any other event.
 */
export class OverlapFilter {
  readonly #text: string;
  readonly #emit: ModelEventListener;
  /** Undefined once it is known whether the text repeats. */
  #held: string | undefined = '';
  #heldLogprobs: TokenLogprob[] = [];

  constructor(text: string, emit: ModelEventListener) {
    this.#text = text;
    this.#emit = emit;
  }

  readonly push = (event: ModelEvent): void => {
    if (this.#held === undefined) this.#emit(event);
    else if (event.type === 'content') {
      this.#held += event.text;
      const overlap = overlapLength(this.#text, this.#held);
      if (overlap !== undefined) this.#flush(overlap);
    } else if (event.type === 'logprobs') this.#heldLogprobs.push(...event.logprobs);
    else {
      // Reasoning in front of the text leaves open whether the text repeats.
      if (event.type !== 'thinking' || this.#held !== '') this.#flush(0);
      else if (this.#heldLogprobs.length > 0) this.#emit({ type: 'logprobs', logprobs: this.#heldLogprobs.splice(0) });
      this.#emit(event);
    }
  };

  /** Passes on what is held back: the response has ended, or has failed. */
  end(): void {
    this.#flush(0);
  }

  #flush(overlap: number): void {
    const text = (this.#held ?? '').slice(overlap);
    const logprobs = withoutText(this.#heldLogprobs, overlap);
    this.#held = undefined;
    this.#heldLogprobs = [];
    if (logprobs.length > 0) this.#emit({ type: 'logprobs', logprobs });
    if (text !== '') this.#emit({ type: 'content', text });
  }
}

/** The tokens after the first `length` characters. A token that is cut stays. */
function withoutText(logprobs: readonly TokenLogprob[], length: number): TokenLogprob[] {
  let end = 0;
  return logprobs.filter(({ token }) => {
    end += token.length;
    return end > length;
  });
}
