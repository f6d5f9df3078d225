import type { ModelEvent } from '#lib/models/provider';
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
export async function* withoutOverlap(events: AsyncIterable<ModelEvent>, text: string): AsyncGenerator<ModelEvent> {
  let held: string | undefined = '';
  let heldLogprobs: TokenLogprob[] = [];
  const flush = (overlap: number): ModelEvent[] => {
    const rest = (held ?? '').slice(overlap);
    const logprobs = withoutText(heldLogprobs, overlap);
    held = undefined;
    heldLogprobs = [];
    return [
      ...(logprobs.length === 0 ? [] : [{ type: 'logprobs', logprobs } as const]),
      ...(rest === '' ? [] : [{ type: 'content', text: rest } as const]),
    ];
  };
  try {
    for await (const event of events) {
      if (held === undefined) yield event;
      else if (event.type === 'content') {
        held += event.text;
        const overlap = overlapLength(text, held);
        if (overlap !== undefined) yield* flush(overlap);
      } else if (event.type === 'logprobs') heldLogprobs.push(...event.logprobs);
      else {
        // Reasoning in front of the text leaves open whether the text repeats.
        if (event.type !== 'thinking' || held !== '') yield* flush(0);
        else if (heldLogprobs.length > 0) yield { type: 'logprobs', logprobs: heldLogprobs.splice(0) };
        yield event;
      }
    }
  } catch (error) {
    yield* flush(0);
    throw error;
  }
  yield* flush(0);
}

/** The tokens after the first `length` characters. A token that is cut stays. */
function withoutText(logprobs: readonly TokenLogprob[], length: number): TokenLogprob[] {
  let end = 0;
  return logprobs.filter(({ token }) => {
    end += token.length;
    return end > length;
  });
}
