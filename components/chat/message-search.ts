import { containsWords, wordsOf } from './search-words.ts';

/** The part of a message that search reads. */
export interface SearchableMessage {
  id: string;
  conversationId: string;
  content: string;
  createdAt: number;
  /** The characters that reading the message took: its images are stored in it. */
  size: number;
}

/** The newest message of a conversation that matches. */
export interface MessageHit {
  messageId: string;
  snippet: Snippet;
}

/** One line of a message around the match. */
export interface Snippet {
  text: string;
  /** Ranges of `text` that match, in order and without overlap. */
  marks: readonly (readonly [start: number, end: number])[];
}

interface SearchOptions {
  /** Ends the scan after the current batch. The promise then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** Only these conversations can match. */
  within?: ReadonlySet<string> | undefined;
}

/** Bounds the length of one task. */
const MAX_BATCH = 250;
/** Bounds the memory: a response has a few kilobytes, but a question up to 16 images. */
const BATCH_CHARACTERS = 8 * 1024 * 1024;
const FIRST_BATCH = 4;
const SNIPPET_BEFORE = 28;
const SNIPPET_LENGTH = 120;

/**
 * Conversations with a message that contains every word of `query`, case-insensitively. `read`
 * returns up to `count` messages in order of their ids, after `after`.
 */
export async function searchMessages(
  read: (after: string | undefined, count: number) => Promise<readonly SearchableMessage[]>,
  query: string,
  { signal, within }: SearchOptions = {},
): Promise<Map<string, MessageHit>> {
  const words = wordsOf(query);
  const newest = new Map<string, SearchableMessage>();
  if (words.length === 0) return new Map();
  let after: string | undefined;
  for (let count = FIRST_BATCH; ; ) {
    signal?.throwIfAborted();
    const batch = await read(after, count);
    for (const message of batch) {
      const { conversationId, content, createdAt } = message;
      if (within?.has(conversationId) === false || !containsWords(content, words)) continue;
      if ((newest.get(conversationId)?.createdAt ?? -1) < createdAt) newest.set(conversationId, message);
    }
    if (batch.length < count) break;
    after = batch.at(-1)?.id;
    // Ids are random, so that the next messages are about as large.
    const size = batch.reduce((sum, message) => sum + message.size, 0);
    const fitting = Math.floor((count * BATCH_CHARACTERS) / Math.max(1, size));
    count = Math.max(1, Math.min(fitting, count * 2, MAX_BATCH));
  }
  signal?.throwIfAborted();
  return new Map(
    [...newest].map(([conversationId, { id, content }]) => [
      conversationId,
      { messageId: id, snippet: snippetOf(content, words) },
    ]),
  );
}

/** The line with the first word, cut to a readable length. */
export function snippetOf(content: string, words: readonly string[]): Snippet {
  const first = matchAny(words, '').exec(content);
  const at = first?.index ?? 0;
  const lineStart = content.lastIndexOf('\n', at - 1) + 1;
  const newline = content.indexOf('\n', at);
  const lineEnd = newline === -1 ? content.length : newline;
  const start = at - lineStart > SNIPPET_BEFORE ? wordStart(content, at - SNIPPET_BEFORE, at) : lineStart;
  const end = Math.min(lineEnd, start + SNIPPET_LENGTH);
  const text = `${start > lineStart ? '…' : ''}${content.slice(start, end)}${end < lineEnd ? '…' : ''}`;
  const marks = [...text.matchAll(matchAny(words, 'g'))].map(
    (match) => [match.index, match.index + match[0].length] as const,
  );
  return { text, marks };
}

/** The beginning of the word after `from`, so that a snippet does not begin in a word. */
function wordStart(content: string, from: number, most: number): number {
  const space = content.indexOf(' ', from);
  return space === -1 || space >= most ? from : space + 1;
}

/** Longer words first: they contain shorter ones. */
function matchAny(words: readonly string[], flags: string): RegExp {
  const escaped = words
    .toSorted((a, b) => b.length - a.length)
    .map((word) => word.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
  return new RegExp(escaped.join('|') || '(?!)', `${flags}iu`);
}
