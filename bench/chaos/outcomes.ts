/** What a client of a run got, and how that is judged. Pure functions. */
import type { Refusal } from './causes.ts';

/** How a request ended, as its client saw it. */
export type End =
  | { readonly type: 'whole' | 'cancelled' }
  /** The server says so, and why. */
  | { readonly type: 'failed'; readonly code: string }
  /** The client has tried for as long as it is to. */
  | { readonly type: 'gave up'; readonly code: string };

/** One request of a client, with all its attempts. Times are those of `performance.now()`. */
export interface RequestRecord {
  readonly number: number;
  readonly kind: string;
  /** What each word of its response begins with. Identical questions have the same. */
  readonly mark: string;
  /** How many words the response has. */
  readonly words: number;
  readonly startedMs: number;
  endedMs: number;
  /** Of all attempts, as the servers gave them. */
  readonly requestIds: string[];
  /** Those that one `Idempotency-Key` has brought. */
  readonly keyedIds: string[];
  /** A server has sent 202, or the head of a stream. */
  isAccepted: boolean;
  /** False where a 202 said so: a restart of the server may end it. */
  isSaved: boolean;
  /** When it was sent again without a key. */
  readonly resentMs: number[];
  /** How often its stream was opened again. */
  resumed: number;
  readonly refusals: Refusal[];
  /** When a server has accepted that it is cancelled. */
  cancelledMs: number | undefined;
  text: string;
  end: End | undefined;
}

export const OUTCOMES = [
  'whole',
  'cancelled',
  'failed',
  'refused',
  'lost, not saved',
  'lost',
  'damaged',
  'mixed up',
] as const;
export type Outcome = (typeof OUTCOMES)[number];

export type TextState = 'whole' | 'part' | 'damaged' | 'mixed up';

/** A word of a response: `<mark>.<number>`, counted from 1. */
export const wordOf = (mark: string, number: number) => `${mark}.${number} `;

const ANY_WORD = /^q\d+\.\d+$/;

/** Whether a text is that of its question: whole, or its first words. */
export function checkText(text: string, mark: string, words: number): TextState {
  const found = text.split(' ').filter((word) => word !== '');
  const foreign = found.filter((word) => !word.startsWith(`${mark}.`));
  if (foreign.some((word) => ANY_WORD.test(word))) return 'mixed up';
  if (found.some((word, index) => `${word} ` !== wordOf(mark, index + 1)) || found.length > words) return 'damaged';
  return found.length === words ? 'whole' : 'part';
}

/**
 * What became of a request. A failure that the server has reported is no loss, whatever the code
 * is; a request that was accepted and is never heard of again is one.
 */
export function outcomeOf({ text, mark, words, end, isAccepted, isSaved, cancelledMs }: RequestRecord): Outcome {
  const state = checkText(text, mark, words);
  if (state === 'mixed up' || state === 'damaged') return state;
  switch (end?.type) {
    case 'whole':
      return state === 'whole' ? 'whole' : 'damaged';
    case 'cancelled':
      return cancelledMs === undefined ? 'failed' : 'cancelled';
    case 'failed':
      return 'failed';
    default:
      if (!isAccepted) return 'refused';
      return isSaved ? 'lost' : 'lost, not saved';
  }
}
