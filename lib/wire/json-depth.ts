/**
 * Nesting limit of a caller's JSON, far below the depth that overflows the stack of a recursive
 * reader.
 */
export const MAX_JSON_DEPTH = 100;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** `[` and `{` differ in this bit, and so do `]` and `}`. */
const CASE_BIT = 0x20;
const OPENS = 0x7b;
const CLOSES = 0x7d;
/** For shorter strings a loop finds the end faster than `indexOf`. */
const SHORT_STRING_BYTES = 32;

/**
 * Whether UTF-8 encoded JSON is nested deeper than `limit`. To be called before parsing: one pass,
 * without recursion and allocation. The result is meaningless for invalid JSON.
 */
export function isNestedTooDeep(bytes: Uint8Array, limit = MAX_JSON_DEPTH): boolean {
  const length = bytes.byteLength;
  // Each level takes at least two bytes.
  if (length < 2 * (limit + 1)) return false;
  let depth = 0;
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte === QUOTE) {
      at = stringEnd(bytes, at + 1);
      if (at === -1) return false;
      continue;
    }
    const bracket = byte | CASE_BIT;
    if (bracket === OPENS) {
      depth += 1;
      if (depth > limit) return true;
    } else if (bracket === CLOSES) depth -= 1;
  }
  return false;
}

/** Index of the closing quote of the string that begins at `from`, −1 if it is missing. */
function stringEnd(bytes: Uint8Array, from: number): number {
  const near = Math.min(bytes.byteLength, from + SHORT_STRING_BYTES);
  let at = from;
  for (; at < near; at++) {
    const byte = bytes[at];
    if (byte === QUOTE) return at;
    if (byte === BACKSLASH) at += 1;
  }
  for (;;) {
    const quote = bytes.indexOf(QUOTE, at);
    if (quote === -1) return -1;
    let slash = quote;
    while (slash > at && bytes[slash - 1] === BACKSLASH) slash -= 1;
    if ((quote - slash) % 2 === 0) return quote;
    at = quote + 1;
  }
}
