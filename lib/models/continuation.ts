import type { ModelEvent } from '#lib/models/provider';
import type { Message } from '#lib/wire/chat';

/**
 * Continuing an assistant message where the server always begins a new one: OpenAI's API, and
 * Ollama for most templates. The model is asked to go on, and text that it repeats is removed.
 */

const INSTRUCTION: Message = {
  role: 'user',
  content: 'Continue exactly where you stopped. Do not repeat any text, do not start again, and write no introduction.',
};

/** The text to continue; undefined if the last message is not from the assistant. */
export function continuedText(messages: readonly Message[]): string | undefined {
  const last = messages.at(-1);
  return last?.role === 'assistant' ? last.content : undefined;
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
    if (next.startsWith(end)) return length;
    if (next.length < length && end.startsWith(next)) return undefined;
  }
  return 0;
}

/** Removes from the beginning of a continuation what repeats the end of `text`. */
export async function* withoutOverlap(events: AsyncIterable<ModelEvent>, text: string): AsyncGenerator<ModelEvent> {
  let held: string | undefined = '';
  for await (const event of events) {
    if (held === undefined || event.type === 'thinking') {
      yield event;
      continue;
    }
    if (event.type === 'content') {
      held += event.text;
      const overlap = overlapLength(text, held);
      if (overlap === undefined) continue;
      if (held.length > overlap) yield { type: 'content', text: held.slice(overlap) };
      held = undefined;
      continue;
    }
    if (held !== '' && event.type === 'done') yield { type: 'content', text: held };
    if (event.type === 'done') held = undefined;
    yield event;
  }
}
