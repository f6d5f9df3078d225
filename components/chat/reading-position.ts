import { isRecord, parseJson } from '#lib/browser/type-guards';

/** Where the reader was in a conversation. */
export interface ReadingPosition {
  /** The first turn in view. */
  messageId: string;
  /** From the top of the view to the top of the turn, in pixels. */
  offset: number;
}

const KEY = 'reading';
const MAX_POSITIONS = 100;

let positions: Map<string, ReadingPosition> | undefined;

/** Undefined if the reader was at the end, or never in the conversation. */
export function readingPosition(conversationId: string): ReadingPosition | undefined {
  return held().get(conversationId);
}

/** Kept for this tab, also across a reload. Undefined forgets it. */
export function keepReadingPosition(conversationId: string, position: ReadingPosition | undefined): void {
  const all = held();
  all.delete(conversationId);
  if (position === undefined) return;
  all.set(conversationId, position);
  const [oldest] = all.keys();
  if (all.size > MAX_POSITIONS && oldest !== undefined) all.delete(oldest);
}

function held(): Map<string, ReadingPosition> {
  if (positions !== undefined) return positions;
  // The server renders no conversation.
  if (typeof window === 'undefined') return new Map();
  positions = parsePositions(stored());
  addEventListener('pagehide', store);
  document.addEventListener('visibilitychange', store);
  return positions;
}

export function parsePositions(text: string | null): Map<string, ReadingPosition> {
  const entries = text === null ? undefined : parseJson(text);
  const found = new Map<string, ReadingPosition>();
  if (!isRecord(entries)) return found;
  for (const [id, value] of Object.entries(entries))
    if (isRecord(value) && typeof value.messageId === 'string' && typeof value.offset === 'number')
      found.set(id, { messageId: value.messageId, offset: value.offset });
  return found;
}

function stored(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function store(): void {
  try {
    if (positions !== undefined) sessionStorage.setItem(KEY, JSON.stringify(Object.fromEntries(positions)));
  } catch {
    // Without storage the positions last as long as the page.
  }
}
